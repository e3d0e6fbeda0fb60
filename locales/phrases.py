"""The gateway's own words for citizens, in French: name to source. Other languages are in `*/LC_MESSAGES/awal.po`.

Rules for a phrase: plain and short (an Arabic screen holds 70 units); French letters only as GSM-7 has them (é è ù à,
no ê ç â î ô û œ, no typographic quotes), since one other letter makes an SMS cost double; a count stands apart from its
noun, so that no plural is needed; dates stand on a line of their own, where Arabic text cannot turn them round.
"""

from __future__ import annotations

from locales.poster_phrases import POSTER_PHRASES
from locales.report_phrases import REPORT_PHRASES

CITIZEN_PHRASES: dict[str, str] = {
    # Keys of a menu.
    "yes": "Oui",
    "no": "Non",
    "more": "Suite",
    "back": "Retour",
    "skip": "Passer",
    "finish": "Terminer",
    "other_region": "Autre région",
    "other_place": "Autre lieu",
    "home_ask": "Choisissez un service :",
    # Under a Tifinagh letter, for who chose Tamazight: a phone without that script shows a box.
    "script_ask": "Voyez-vous ce signe ?",
    # Consent, once per citizen: who asks, that it is free to answer, that the number is protected.
    "consent_ask": "Votre administration demande votre avis. Participation libre, numéro protégé. D'accord ?",
    "consent_yes": "J'accepte",
    "consent_no": "Je refuse",
    "consent_refused": "Bien noté. Nous ne gardons rien. Au revoir.",
    # A conversation that was cut off. {title}: the flow's title.
    "resume_ask": "Vous n'avez pas fini : {title}",
    "resume_continue": "Continuer",
    "resume_restart": "Recommencer",
    # By SMS, to who lost a USSD session: {code} to dial, in Arabic on a line of its own; {word} to send. One segment.
    "lost": "Communication coupée. Pour continuer, composez {code}",
    "lost_or": "Communication coupée. Pour continuer, composez {code} ou envoyez {word} à ce numéro.",
    "lost_sms": "Communication coupée. Pour continuer, envoyez {word} à ce numéro.",
    # By SMS, to who left a question open: ahead of that question; or instead of it, where both are too long.
    "remind": "Nous attendons votre réponse :",
    "remind_word": "Vous n'avez pas fini : {title}. Pour continuer, envoyez {word}",
    "remind_last": "Nous attendons votre réponse à notre dernier message.",
    # Last words.
    "thanks": "Merci.",
    # Receipt number, to be read back when asking what became of the answers: {number}, on a line of its own in Arabic.
    "receipt": "Numéro de suivi : {number}",
    "receipt_sms": "{title}. Numéro de suivi : {number}. Gardez ce message.",
    # The last screen of a USSD session, before a question that comes by SMS.
    "by_sms": "La suite vient par SMS. Répondez-y librement.",
    "ended_failed": "Réponses non comprises. Réessayez plus tard. Merci.",
    "apology": "Service indisponible. Réessayez plus tard.",
    # The store is slow: nothing is lost, and who dials again goes on.
    "again": "Service très lent. Rappelez ce code pour continuer.",
    # How to answer, after a question or an unclear reply. {last}: highest number listed; {min} {max}: bounds.
    "unclear": "Réponse non comprise.",
    "skipped": "Question passée.",
    "hint_choice": "Répondez par un numéro de 1 à {last}.",
    "hint_choices": "Un ou plusieurs numéros : 1 3",
    "hint_yes_no": "Répondez 1 pour oui, 2 pour non.",
    "hint_rating": "De {min} à {max}. Le mieux : {max}",
    "hint_integer": "Répondez par un nombre.",
    "hint_range": "Répondez par un nombre de {min} à {max}.",
    "hint_decimal": "Répondez par un nombre, par exemple : 2,5",
    "hint_text": "Écrivez votre réponse.",
    "hint_date": "Écrivez la date ainsi :\n23/11/2026",
    "hint_phone": "Écrivez un numéro de téléphone à 10 chiffres.",
    "hint_language": "Répondez par le numéro de votre langue.",
    "hint_place_region": "Écrivez le nom de la région.",
    "hint_place_province": "Écrivez le nom de la province ou préfecture.",
    "hint_place_commune": "Écrivez le nom de la commune.",
    # Headers of the menus of places.
    "place_ask_region": "Votre région ?",
    "place_ask_province": "Votre province ?",
    "place_ask_commune": "Votre commune ?",
    "place_candidates": "De quel lieu parlez-vous ?",
    # Commands a citizen may send at any time. {answers}: how many answers are kept; {words}: keywords.
    "help": (
        "STOP : finir\nSTART : revenir\nLANGUE : autre langue\nRETOUR : question d'avant\n"
        "RECOMMENCER : depuis le début\nMES DONNEES : ce qu'on garde\nEFFACER : tout effacer"
    ),
    # Several people on one phone: who gave a code speaks in private, whether anybody had it or not; and leaves again.
    "person_now": "A vous, en privé. Pour sortir : MOI",
    "person_left": "Mode privé terminé.",
    "codes_spent": "Trop de codes. Réessayez demain.",
    # First words to who was brought in by an operator's list: {who} writes, on which {ground}, and how to refuse.
    "invited": "{who} vous écrit ({ground}). Pour refuser : STOP",
    "administration": "Votre administration",
    "stopped": "Vous ne recevrez plus de messages. Merci.",
    "started": "Vous recevrez nos messages.",
    "erased": "Vos données sont effacées.",
    "my_data": "Vos réponses gardées : {answers}\nVotre numéro reste secret.",
    "my_data_agreed": "Vos réponses gardées : {answers}\nVotre accord du :\n{date}\nVotre numéro reste secret.",
}

PHRASES: dict[str, str] = {**CITIZEN_PHRASES, **REPORT_PHRASES, **POSTER_PHRASES}
"""Every phrase: the citizens', the reports' and the poster's."""
