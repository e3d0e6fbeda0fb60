"""The words of the officials' reports, in French: name to source. Arabic is in `ar/LC_MESSAGES/report.po`.

A count stands apart from its noun, so that no plural is needed, or the noun has a plural slot (`locales.slots`).
Phrases of the digest (`report_digest…`) keep to the letters of GSM-7 (é è ù à, no ê ç â î ô û œ): one other letter
would double the price of the SMS.
"""

from __future__ import annotations

REPORT_PHRASES: dict[str, str] = {
    # The head of a report. {week} {first} {last}: the week's number and its first and last day.
    "report_title": "Ce que disent les citoyens",
    "report_week": "Semaine {week}, du {first} au {last}",
    "report_everywhere": "Tout le territoire",
    "report_provisional": "Provisoire",
    "report_provisional_note": "Période en cours : les chiffres peuvent encore changer.",
    "report_made": "Établi le {date}",
    "report_empty": "Aucune conversation pour cette période.",
    # Key figures.
    "report_satisfaction": "Satisfaction",
    "report_satisfied": "de réponses favorables",
    "report_interval": "entre {low} et {high}",
    "report_interval_note": "L'intervalle (95 %) dit entre quelles valeurs se trouve sans doute la vraie part.",
    "report_at_least": "au moins {share}",
    "report_at_most": "au plus {share}",
    "report_answers": "Réponses",
    "report_begun": "Conversations",
    "report_completed": "Terminées",
    # Ended before the last question, with answers; and those that may still go on.
    "report_partial": "Partielles",
    "report_open": "En cours",
    "report_response": "Taux de réponse",
    "report_languages": "Langues",
    "report_bearers": "Moyens",
    "report_ussd": "Menu USSD",
    "report_sms": "SMS",
    "report_unknown": "Non indiqué",
    # What a small sample allows to say. {k}: the smallest number shown.
    "report_few": "Moins de {k} réponses : trop peu pour être montré.",
    "report_indication": "Moins de 30 réponses : indication seulement.",
    "report_none": "Aucune réponse",
    "report_hidden": "masqué",
    "report_all_hidden": "Détail masqué",
    "report_hidden_places": "Autres lieux",
    "report_approximate": "Nombres arrondis à 5 près.",
    # What changed, and what needs attention.
    "report_up": "En hausse depuis la période précédente (points) : {points}",
    "report_down": "En baisse depuis la période précédente (points) : {points}",
    "report_stable": "Pas de changement net depuis la période précédente",
    "report_worst": "À surveiller : {flow}",
    "report_worst_note": "Satisfaction plus basse que pour les autres questionnaires, au-delà du hasard.",
    "report_problem": "Problème le plus cité : {label}",
    "report_alerts": "Alertes ouvertes",
    # Answers that are no choice.
    "report_median": "Médiane",
    "report_low": "Minimum",
    "report_high": "Maximum",
    "report_texts": "Réponses libres, gardées chez l'opérateur",
    "report_mentions": "Mentions",
    # The foot of a report.
    "report_sample_note": "Ces chiffres décrivent les personnes qui ont répondu, pas toute la population.",
    "report_hidden_note": "Les nombres de 1 à {last} sont masqués, d'autres avec eux : personne ne doit être reconnu.",
    # The codes that carry the figures on paper to the national platform.
    "report_codes": "Codes pour la plateforme nationale",
    "report_codes_note": "Chaque code porte les chiffres complets, chiffrés pour elle seule et signés par {gateway}.",
    "report_code_part": "Code {part} sur {parts}",
    "report_code_layout": "Questions du formulaire",
    # The digest, an SMS for an official. French: one segment, letters of GSM-7 only. Arabic: one figure a line, no
    # Latin letter and no percent sign, which a phone would put on the wrong side.
    "report_digest": "AWAL {period} {place}: {facts}",
    "report_digest_week": "S{week}",
    "report_digest_month": "{month}/{year}",
    "report_digest_day": "{day}/{month}",
    "report_digest_running": "{period} (provisoire)",
    "report_digest_everywhere": "tous lieux",
    "report_digest_satisfaction": "{share}% sat ({low}-{high}) n={n}.",
    "report_digest_indication": "{share}% sat ({low}-{high}) n={n}, indicatif.",
    "report_digest_at_least": "Au moins {share}% sat, n={n}.",
    "report_digest_at_most": "Au plus {share}% sat, n={n}.",
    "report_digest_up": "Hausse: {points} pts.",
    "report_digest_down": "Baisse: {points} pts.",
    "report_digest_worst": "Pire: {flow}.",
    "report_digest_problem": "Problème: {label}.",
    "report_digest_conversations": "{begun} {begun|conversation|conversations}, {completed} {completed|finie|finies}.",
    "report_digest_begun": "{begun} {begun|conversation|conversations}.",
    "report_digest_few": "Moins de {k} conversations.",
    "report_digest_none": "Aucune conversation.",
    "report_digest_alerts": "Alerte: {alerts}.",
}
