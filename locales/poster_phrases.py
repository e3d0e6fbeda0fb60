"""The words of the poster that explains an answer in one SMS, in French: name to source.

Arabic is in `ar/LC_MESSAGES/poster.po`. What a question accepts is told by the hints of `phrases.py`.
"""

from __future__ import annotations

POSTER_PHRASES: dict[str, str] = {
    "poster_lead": "Votre avis compte : donnez-le par SMS",
    # {keyword}: the word that starts the survey; the answers follow it in the same message.
    "poster_write": "Écrivez un seul SMS : le mot {keyword}, puis vos réponses dans l'ordre, séparées par un espace.",
    "poster_send": "Envoyez-le au",
    "poster_example": "Par exemple",
    "poster_keyword": "le mot",
    # Conditional questions. {numbers}: the answers that lead to it; {question}: the number of the question they answer.
    "poster_only": "Seulement si votre réponse à la question {question} est : {numbers}",
    "poster_ends": "Si votre réponse est {numbers}, n'écrivez rien de plus.",
    "poster_several": "Plusieurs choix ? Avec une virgule, sans espace : {example}",
    # The words of someone who answers a question in their own words.
    "poster_own_words": "Plus de bus",
    # What follows by SMS. {accept}: the answer that accepts, such as: 1 J'accepte.
    "poster_rest": "Les autres questions vous sont posées ensuite par SMS.",
    "poster_consent": "La première fois, on vous demande votre accord : répondez {accept}",
    "poster_language": "La première fois, on vous demande votre langue.",
    "poster_free": "Participation libre. Votre numéro est protégé.",
    "poster_gratis": "SMS gratuit",
    "poster_rights": "STOP : arrêter. EFFACER : supprimer vos réponses.",
    "poster_scan": "Avec un smartphone",
}
