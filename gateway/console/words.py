"""The console's own words, in French and Arabic. Words for citizens and for reports live in `locales/`.

A word that a count stands with has a plural slot, `{count|réponse|réponses}`: see `locales.slots`.
"""

from __future__ import annotations

from collections.abc import Callable

from locales.slots import agree

LANGUAGES = {"fr": "Français", "ar": "العربية"}
"""The languages of the console, by their own names."""

Say = Callable[..., str]

WORDS: dict[str, tuple[str, str]] = {
    # every page
    "console": ("Console", "لوحة التتبع"),
    "skip": ("Aller au contenu", "المرور إلى المحتوى"),
    "menu": ("Pages", "الصفحات"),
    "language": ("Langue", "اللغة"),
    "home": ("Accueil", "الرئيسية"),
    "queue": ("File d'envoi", "طابور الإرسال"),
    "reports": ("Rapports", "التقارير"),
    "events": ("Événements", "الأحداث"),
    "logout": ("Quitter", "خروج"),
    "foot": (
        "Awal : la parole des citoyens, sans internet, par SMS et USSD.",
        "أوال: صوت المواطنين، بدون أنترنت، عبر SMS وUSSD.",
    ),
    "back_home": ("Retour à l'accueil", "العودة إلى الرئيسية"),
    "clock_unknown": (
        "L'horloge de cette machine n'est pas à l'heure : "
        "{count} {count|réponse attend sa date|réponses attendent leur date}. Rien n'est perdu. "
        "Réglez l'heure, puis lancez « awal clock confirm ».",
        "ساعة هذا الجهاز غير مضبوطة: "
        "{count} {count|جواب ينتظر تاريخه|جواب ينتظر تاريخه|جوابان ينتظران تاريخهما|أجوبة تنتظر تاريخها|"
        "جوابا ينتظر تاريخه|جواب ينتظر تاريخه}. لم يضع شيء. "
        "اضبط الساعة ثم نفّذ «awal clock confirm».",
    ),
    "clock_undated": (
        "{count} {count|réponse d'un démarrage sans horloge attend sa date|"
        "réponses d'un démarrage sans horloge attendent leur date} : voir « awal clock ».",
        "{count} {count|جواب وصل بدون ساعة ينتظر تاريخه|جواب وصل بدون ساعة ينتظر تاريخه|"
        "جوابان وصلا بدون ساعة ينتظران تاريخهما|أجوبة وصلت بدون ساعة تنتظر تاريخها|"
        "جوابا وصل بدون ساعة ينتظر تاريخه|جواب وصل بدون ساعة ينتظر تاريخه}: انظر «awal clock».",
    ),
    # login
    "login": ("Entrer", "دخول"),
    "login_title": ("Espace de l'opérateur", "فضاء المسؤول عن النظام"),
    "password": ("Mot de passe", "كلمة المرور"),
    "login_help": (
        "Le mot de passe a été affiché par « awal init ». « awal password » en fait un nouveau.",
        "عُرضت كلمة المرور عند تنفيذ «awal init». يُنشئ «awal password» كلمة جديدة.",
    ),
    "login_demo": (
        "Démonstration : arrêtez-la puis relancez-la, un nouveau lien d'entrée s'affiche dans le terminal.",
        "عرض تجريبي: أوقفه ثم أعد تشغيله، فيظهر رابط دخول جديد في نافذة الأوامر.",
    ),
    "login_wrong": ("Ce mot de passe n'est pas le bon.", "كلمة المرور غير صحيحة."),
    "login_busy": ("Trop d'essais en même temps. Réessayez.", "محاولات كثيرة في نفس الوقت. أعد المحاولة."),
    "login_wait": (
        "Trop d'essais. Attendez {minutes} min.",
        "محاولات كثيرة. انتظر {minutes} د.",
    ),
    "login_link": (
        "Ce lien n'ouvre plus : il a servi, ou il est trop ancien. Entrez avec le mot de passe.",
        "هذا الرابط لم يعد صالحا: استُعمل من قبل أو مرّ عليه وقت طويل. ادخل بكلمة المرور.",
    ),
    # faults
    "fault_400": ("Cette demande est incomplète", "هذا الطلب ناقص"),
    "fault_400_help": (
        "La page était peut-être ouverte depuis trop longtemps. Revenez, puis envoyez de nouveau.",
        "ربما بقيت الصفحة مفتوحة وقتا طويلا. ارجع ثم أعد الإرسال.",
    ),
    "fault_401": ("Il faut d'abord entrer", "يجب الدخول أولا"),
    "fault_401_help": ("Entrez avec le mot de passe, puis recommencez.", "ادخل بكلمة المرور ثم أعد المحاولة."),
    "fault_404": ("Cette page n'existe pas", "هذه الصفحة غير موجودة"),
    "fault_404_help": (
        "L'adresse a changé, ou contient une faute de frappe.",
        "تغيّر العنوان أو كُتب بشكل غير صحيح.",
    ),
    "fault_413": ("C'est trop long", "النص طويل جدا"),
    "fault_413_help": ("Envoyez moins de texte à la fois.", "أرسل نصا أقصر."),
    "fault_500": ("Quelque chose n'a pas marché ici", "وقع خلل في النظام"),
    "fault_500_help": (
        "Ce n'est pas de votre faute. Le journal du programme dit quoi ; rien de ce qui était gardé n'est perdu.",
        "الخطأ ليس من جهتك. سجل البرنامج يوضح السبب؛ ولم يضع شيء مما حُفظ.",
    ),
    # the phone
    "hero": ("Donner la parole, sans internet", "صوت لكل مواطن، بدون أنترنت"),
    "hero_demo": (
        "Composez le code ou envoyez un mot : ce téléphone passe par le vrai chemin des messages, "
        "et les résultats bougent à côté. Les citoyens de cette démonstration sont simulés.",
        "اطلب الرمز أو أرسل كلمة: يمر هذا الهاتف من المسار الحقيقي للرسائل، وتتحرك النتائج بجانبه. "
        "مواطنو هذا العرض افتراضيون.",
    ),
    "hero_real": (
        "Ce téléphone passe par le vrai chemin des messages : ses réponses comptent dans les résultats.",
        "يمر هذا الهاتف من المسار الحقيقي للرسائل: تُحتسب أجوبته في النتائج.",
    ),
    "phone": ("Téléphone d'essai", "هاتف للتجربة"),
    "phone_none": (
        "Aucun téléphone d'essai : ajoutez un canal de type « simulator » dans awal.toml pour en avoir un ici.",
        "لا يوجد هاتف للتجربة: أضف قناة من نوع «simulator» في awal.toml ليظهر هنا.",
    ),
    "phone_script": (
        "Le téléphone d'essai a besoin de JavaScript ; tout le reste de la page s'en passe.",
        "يحتاج هاتف التجربة إلى JavaScript؛ أما باقي الصفحة فلا.",
    ),
    "mode": ("Moyen", "الوسيلة"),
    "keypad": ("Clavier", "لوحة المفاتيح"),
    "call": ("Appeler", "اتصال"),
    "hang_up": ("Raccrocher", "إنهاء"),
    "star": ("étoile", "نجمة"),
    "hash": ("dièse", "شباك"),
    "dial_label": ("Code à composer", "الرمز"),
    "reply_label": ("Votre réponse", "جوابك"),
    "sms_label": ("Votre message", "رسالتك"),
    "send": ("Envoyer", "إرسال"),
    "erase": ("Effacer", "مسح"),
    "close": ("Fermer", "إغلاق"),
    "ready": ("Composez {code}", "اطلب \u2066{code}\u2069"),
    "ready_help": ("puis touche verte", "ثم الزر الأخضر"),
    "sms_ready": ("Envoyez un mot :", "أرسل كلمة:"),
    "waiting": ("Patientez…", "المرجو الانتظار…"),
    "lost": ("Session coupée. Composez de nouveau : vous pourrez continuer.", "انقطع الاتصال. أعد الطلب لتواصل."),
    "unknown_code": ("Code inconnu : composez {code}", "رمز غير معروف: اطلب \u2066{code}\u2069"),
    "no_link": ("La passerelle ne répond pas. Réessayez.", "النظام لا يجيب. أعد المحاولة."),
    "keywords": ("Mots à envoyer", "كلمات للإرسال"),
    "number": ("Numéro du citoyen", "رقم المواطن"),
    "new_citizen": ("Nouveau citoyen", "مواطن جديد"),
    "number_wrong": ("Écrivez un numéro tel que +212612345678.", "اكتب رقما مثل +212612345678."),
    "measure": ("{units}/{limit} · {encoding}", "{units}/{limit} · {encoding}"),
    "measure_sms": (
        "Caractères : {units} · SMS : {segments} · {encoding}",
        "الحروف: {units} · SMS: {segments} · {encoding}",
    ),
    # results
    "results": ("Résultats en direct", "النتائج المباشرة"),
    "period": ("Période", "الفترة"),
    "today": ("Aujourd'hui", "اليوم"),
    "this-week": ("Cette semaine", "هذا الأسبوع"),
    "this-month": ("Ce mois", "هذا الشهر"),
    "last-week": ("Semaine passée", "الأسبوع الماضي"),
    "citizens": ("Citoyens", "المواطنون"),
    "conversations": ("Conversations", "المحادثات"),
    "n_conversations": (
        "{count|conversation|conversations}",
        "{count|محادثة|محادثة|محادثتان|محادثات|محادثة|محادثة}",
    ),
    "n_completed": ("{count|terminée|terminées}", "{count|مكتملة|مكتملة|مكتملتان|مكتملة|مكتملة|مكتملة}"),
    "answers": ("Réponses", "الأجوبة"),
    "open_now": ("{count|en cours|en cours}", "{count|جارية|جارية|جاريتان|جارية|جارية|جارية}"),
    "dropped": ("Coupures USSD", "انقطاعات USSD"),
    "recent": ("{count|récente|récentes}", "{count|حديثة|حديثة|حديثتان|حديثة|حديثة|حديثة}"),
    "fallbacks": ("Textes repris d'une autre langue", "نصوص معروضة بلغة أخرى"),
    "no_flows": (
        "Aucun questionnaire n'est servi. Écrivez-en un dans flows/, puis « awal check ».",
        "لا توجد استمارات. اكتب واحدة في flows/ ثم نفّذ «awal check».",
    ),
    "version": ("version {version}", "الإصدار {version}"),
    "keyword_list": ("Mots SMS", "كلمات SMS"),
    "languages": ("Langues", "اللغات"),
    "provisional": ("à relire", "قيد المراجعة"),
    "other_questions": ("Autres questions : {count}", "أسئلة أخرى: {count}"),
    "informs": ("Ce menu informe et ne garde aucune réponse.", "هذه القائمة للإخبار فقط ولا تحفظ أي جواب."),
    "no_answers": ("Pas encore de réponse", "لا أجوبة بعد"),
    "n_answers": ("Réponses : {count}", "الأجوبة: {count}"),
    "others": ("Autres ({count})", "أخرى ({count})"),
    "median": ("Médiane", "الوسيط"),
    "from_to": ("de {low} à {high}", "من {low} إلى {high}"),
    "free_text": ("Réponses libres", "أجوبة حرة"),
    "free_text_latest": ("Dernières réponses libres", "آخر الأجوبة الحرة"),
    "free_text_help": (
        "Pour l'opérateur seul : ces textes restent sur cette machine et ne sont jamais envoyés.",
        "للمسؤول عن النظام وحده: تبقى هذه النصوص في هذا الجهاز ولا تُرسل أبدا.",
    ),
    "source": ("Fichier", "الملف"),
    "problems": ("À vérifier", "للمراجعة"),
    "refused_files": ("Fichiers non servis", "ملفات غير معتمدة"),
    "problem_line": ("ligne {line}", "السطر {line}"),
    "errors_count": ("Erreurs : {count}", "الأخطاء: {count}"),
    "warnings_count": ("Avertissements : {count}", "التنبيهات: {count}"),
    "steps": ("Déroulement", "الخطوات"),
    "step": ("Étape", "الخطوة"),
    "back_flow": ("Retour au questionnaire", "العودة إلى الاستمارة"),
    "when": ("si", "إذا"),
    # the queue
    "queue_help": (
        "Ce qui attend, part, ou n'a pas pu partir. Les numéros n'apparaissent jamais : un citoyen est un pseudonyme.",
        "ما ينتظر أو أُرسل أو تعذّر إرساله. لا تظهر الأرقام أبدا: كل مواطن له اسم مستعار.",
    ),
    "links": ("Liaisons", "الربط بالشبكات"),
    "link_up": ("en ligne", "متصل"),
    "link_down": ("coupé", "منقطع"),
    "link_since": ("Depuis", "منذ"),
    "link_heard": ("Dernier message", "آخر رسالة"),
    "link_signal": ("Signal", "الإشارة"),
    "link_battery": ("Batterie", "البطارية"),
    "link_queue": ("En attente", "في الانتظار"),
    "link_oldest": ("Le plus ancien", "أقدمها"),
    "all": ("Tous", "الكل"),
    "queued": ("en attente", "في الانتظار"),
    "sending": ("en cours d'envoi", "قيد الإرسال"),
    "accepted": ("accepté", "مقبول"),
    "delivered": ("remis", "وصل"),
    "failed": ("échoué", "فشل"),
    "dead": ("abandonné", "متروك"),
    "queue_empty": ("Aucun message dans cet état.", "لا توجد رسائل في هذه الحالة."),
    "when_made": ("Créé", "الإنشاء"),
    "citizen": ("Citoyen", "المواطن"),
    "channel": ("Canal", "القناة"),
    "state": ("État", "الحالة"),
    "attempts": ("Essais", "المحاولات"),
    "error": ("Erreur", "الخطأ"),
    "cost": ("SMS", "SMS"),
    "action": ("Que faire", "الإجراء"),
    "retry": ("Renvoyer", "إعادة الإرسال"),
    "discard": ("Abandonner", "ترك"),
    "retried": ("Le message est de nouveau en attente.", "عادت الرسالة إلى الانتظار."),
    "discarded": ("Le message est abandonné.", "تُركت الرسالة."),
    "unmoved": (
        "Ce message n'a pas pu changer d'état : il est déjà parti, ou son numéro n'est plus gardé.",
        "تعذّر تغيير حالة هذه الرسالة: أُرسلت من قبل أو لم يعد رقمها محفوظا.",
    ),
    "last_failed": ("Derniers échecs", "آخر الإخفاقات"),
    "no_failed": ("Aucun échec.", "لا إخفاقات."),
    "see_all": ("Tout voir", "عرض الكل"),
    # campaigns
    "campaigns": ("Campagnes", "الحملات"),
    "campaigns_help": (
        "Une campagne pose un questionnaire à ceux qui ont écrit ou accepté, par vagues, dans un budget.",
        "الحملة تطرح استمارة على من راسلونا أو وافقوا، على دفعات وفي حدود ميزانية.",
    ),
    "campaigns_empty": (
        "Aucune campagne. Écrivez campaigns/NOM.yaml dans le projet.",
        "لا توجد أي حملة. اكتب campaigns/NOM.yaml في المشروع.",
    ),
    "campaign_state_ready": ("prête", "جاهزة"),
    "campaign_state_wrong": ("à corriger", "تحتاج إلى تصحيح"),
    "campaign_state_waiting": ("attend une deuxième signature", "في انتظار توقيع ثان"),
    "campaign_state_running": ("en cours", "جارية"),
    "campaign_state_paused": ("en pause", "متوقفة مؤقتا"),
    "campaign_state_stopped": ("arrêtée", "أُوقفت"),
    "campaign_done": ("Fait.", "تم."),
    "campaign_state_done": ("terminée", "انتهت"),
    "campaign_refused": ("Refusé : {reason}", "رُفض: {reason}"),
    "campaign_changed": (
        "Le fichier ou le questionnaire a changé depuis le début ; ce qui a été approuvé est ce qui est envoyé.",
        "تغيّر الملف أو الاستمارة منذ البداية؛ ما تمت الموافقة عليه هو ما يُرسل.",
    ),
    "campaign_preview": ("Avant l'envoi", "قبل الإرسال"),
    "campaign_progress": ("Où elle en est", "مدى التقدم"),
    "campaign_citizens": (
        "{count} {count|citoyen interrogé|citoyens interrogés}, sur {fitting} qui {fitting|correspond|correspondent}",
        "{count} {count|مواطن سيُسأل|مواطن سيُسأل|مواطنان سيُسألان|مواطنين سيُسألون|مواطنا سيُسألون|مواطن سيُسألون} "
        "من بين {fitting} {fitting|تنطبق عليهم|تنطبق عليه|تنطبق عليهما|تنطبق عليهم|تنطبق عليهم|تنطبق عليهم} الشروط",
    ),
    "campaign_rounds": ("{count} {count|tour|tours}", "{count} {count|جولة|جولة|جولتان|جولات|جولة|جولة}"),
    "campaign_segments": ("SMS si tous répondent :", "عدد الرسائل إذا أجاب الجميع:"),
    "campaign_cost": ("Coût si tous répondent :", "التكلفة إذا أجاب الجميع:"),
    "campaign_range": ("(de {least} à {worst})", "(من {least} إلى {worst})"),
    "campaign_ends": ("Tous interrogés le :", "ينتهي سؤال الجميع في:"),
    "campaign_wave": ("Vague", "الدفعة"),
    "campaign_people": ("Citoyens", "المواطنون"),
    "campaign_begins": ("Début", "البداية"),
    "campaign_sent_by": ("Envoyée le", "أُرسلت في"),
    "campaign_place": ("Lieu", "المكان"),
    "campaign_no_place": ("lieu inconnu", "مكان غير معروف"),
    "campaign_few": ("peu", "عدد قليل"),
    "campaign_languages": ("Langues :", "اللغات:"),
    "campaign_digest": ("Empreinte", "البصمة"),
    "campaign_signed": (
        "Signé pour {count} {count|citoyen|citoyens}, au plus {cost}",
        "وُقّع على {count} {count|مواطن|مواطن|مواطنين|مواطنين|مواطنا|مواطن}، {cost} على الأكثر",
    ),
    "campaign_asked_of": ("{done} {done|interrogé|interrogés} sur {total}", "سُئل {done} من {total}"),
    "campaign_completed": ("jusqu'au bout", "أتمّوا"),
    "campaign_n_drawn": ("à interroger", "لم يُسألوا بعد"),
    "campaign_n_asked": ("interrogés", "سُئلوا"),
    "campaign_n_delivered": ("reçus", "وصلت"),
    "campaign_n_failed": ("non joints", "لم تصل"),
    "campaign_n_answered": ("ont répondu", "أجابوا"),
    "campaign_n_completed": ("jusqu'au bout", "أتمّوا"),
    "campaign_n_stopped": ("ont refusé", "رفضوا"),
    "campaign_n_unclear": ("non compris", "لم يُفهم جوابهم"),
    "campaign_spent": ("Dépensé", "المصروف"),
    "campaign_approved": ("Signée par {names}", "وقّعها {names}"),
    "campaign_no_operators": (
        "Deux personnes doivent signer : donnez à chacune un [operators.NOM] dans awal.toml.",
        "يجب أن يوقّع شخصان: أعط لكل منهما [operators.NOM] في awal.toml.",
    ),
    "campaign_operator": ("Votre nom", "اسمك"),
    "campaign_do_start": ("Commencer", "ابدأ"),
    "campaign_do_approve": ("Signer", "وقّع"),
    "campaign_do_pause": ("Mettre en pause", "أوقف مؤقتا"),
    "campaign_do_resume": ("Reprendre", "استأنف"),
    "campaign_do_stop": ("Arrêter pour de bon", "أوقف نهائيا"),
    # syncs
    "syncs": ("Plateforme nationale", "المنصة الوطنية"),
    "no_syncs": ("Aucun envoi encore.", "لا إرسال بعد."),
    "no_national": (
        "Aucune plateforme dans awal.toml : rien n'est envoyé.",
        "لا توجد منصة في awal.toml: لا يُرسل أي شيء.",
    ),
    "sync_ok": ("fait", "تم"),
    "sync_failed": ("échoué", "فشل"),
    "sync_sent": ("envoyés : {count}", "أُرسل: {count}"),
    "sync_already_held": ("déjà reçus : {count}", "موجود هناك: {count}"),
    "sync_refused": ("refusés : {count}", "مرفوض: {count}"),
    "sync_waiting": ("en attente : {count}", "في الانتظار: {count}"),
    "carrier_https": ("par Internet", "عبر الإنترنت"),
    "carrier_bundle": ("par clé USB", "بمفتاح USB"),
    "carrier_sms": ("par SMS", "بالرسائل القصيرة"),
    "carrier_sms (sent)": ("par SMS, accusé attendu", "بالرسائل القصيرة، في انتظار التأكيد"),
    "carrier_qr": ("par codes QR", "برموز QR"),
    "sync_nothing": ("rien à envoyer", "لا شيء للإرسال"),
    "disk_low": (
        "Le disque est presque plein : faites de la place. Libres :",
        "القرص يكاد يمتلئ: أخلوا مساحة. المتبقي:",
    ),
    "disk_full": (
        "Le disque est plein : plus personne ne peut commencer. Faites de la place. Libres :",
        "القرص ممتلئ: لا أحد يستطيع البدء الآن. أخلوا مساحة. المتبقي:",
    ),
    "of_megabytes": ("Mo sur {total}.", "ميغابايت من {total}."),
    "open_platform": ("Ouvrir la plateforme", "فتح المنصة"),
    # reports
    "reports_help": (
        "Ce que lisent les responsables : les petits nombres y sont masqués.",
        "ما يقرؤه المسؤولون: تُحجب فيه الأعداد الصغيرة.",
    ),
    "other_period": ("ou une période", "أو فترة محددة"),
    "period_forms": ("2026-W47, 2026-11 ou 2026-11-23", "2026-W47 أو 2026-11 أو 2026-11-23"),
    "place": ("Lieu", "المكان"),
    "everywhere": ("Tout ce que la passerelle entend", "كل ما يصل إلى النظام"),
    "format": ("Forme", "الشكل"),
    "format_html": ("Page", "صفحة"),
    "format_sms": ("SMS", "SMS"),
    "format_text": ("Texte", "نص"),
    "show": ("Voir", "عرض"),
    "open_alone": ("Ouvrir seul, imprimer", "فتح وحده للطباعة"),
    "download_csv": ("Télécharger CSV", "تنزيل CSV"),
    "download_pdf": ("Télécharger PDF", "تنزيل PDF"),
    # receipt numbers
    "receipt": ("Suivi", "التتبع"),
    "receipt_help": (
        "Un citoyen cite son numéro de suivi, de {signs} signes : voici ses réponses. Son téléphone n'est pas montré.",
        "يذكر المواطن رقم التتبع المكوّن من {signs} رموز: هذه أجوبته. لا يُعرض رقم هاتفه.",
    ),
    "receipt_number": ("Numéro de suivi", "رقم التتبع"),
    "receipt_wrong": (
        "Ce n'est pas un numéro de suivi : un signe est faux. Demandez-le encore une fois.",
        "هذا ليس رقم تتبع: أحد الرموز خاطئ. اطلبه مرة أخرى.",
    ),
    "receipt_unknown": (
        "Aucune réponse ne porte ce numéro : elles sont effacées, ou gardées par une autre passerelle.",
        "لا توجد أجوبة بهذا الرقم: إما حُذفت أو توجد لدى بوابة أخرى.",
    ),
    "question": ("Question", "السؤال"),
    "answer": ("Réponse", "الجواب"),
    # events
    "events_help": ("Ce qui s'est passé dernièrement, le plus récent d'abord.", "ما حدث مؤخرا، الأحدث أولا."),
    "no_events": ("Rien à signaler.", "لا شيء يُذكر."),
    "at": ("Moment", "الوقت"),
    "event": ("Événement", "الحدث"),
    "detail": ("Détail", "التفصيل"),
    "event_brought-in": ("Liste de numéros reçue", "استُوردت لائحة أرقام"),
    "event_budget-spent": ("Budget d'envoi épuisé", "نفدت ميزانية الإرسال"),
    "event_bundle": ("Clé USB écrite", "كُتب مفتاح USB"),
    "event_channel-down": ("Canal en panne, remplacé", "قناة معطلة، عوضتها أخرى"),
    "event_clock-unknown": ("Horloge inconnue", "الساعة غير معروفة"),
    "event_clock-known": ("Horloge à l'heure", "ضُبطت الساعة"),
    "event_channel-stopped": ("Canal arrêté", "توقفت القناة"),
    "event_failed": ("Question abandonnée", "سؤال متروك"),
    "event_foreign-session": ("Session d'un autre téléphone refusée", "رُفضت جلسة من هاتف آخر"),
    "event_job": ("Tâche en échec", "فشل مهمة"),
    "event_login-failed": ("Mot de passe refusé", "كلمة مرور مرفوضة"),
    "event_look-up": ("Information consultée", "معلومة تم الاطلاع عليها"),
    "event_opted-out": ("Citoyen désinscrit chez l'opérateur", "مواطن ألغى الاشتراك"),
    "event_campaign": ("Campagne", "حملة"),
    "event_refusal": ("Consentement refusé", "رُفضت الموافقة"),
    "event_refused-request": ("Demande refusée", "طلب مرفوض"),
    "event_sending-refused": ("Envoi refusé par l'opérateur", "رفض المشغل الإرسال"),
    "event_stop": ("Citoyen parti (STOP)", "مواطن أوقف الرسائل (STOP)"),
    "event_unclear": ("Réponse non comprise", "جواب غير مفهوم"),
    "event_unknown-receipt": ("Accusé inconnu", "إشعار غير معروف"),
    "event_ussd-drop": ("Session USSD coupée", "انقطاع جلسة USSD"),
}


def say(language: str) -> Say:
    """Return a function from a word's name, and its slots, to the word in `language`."""
    at = list(LANGUAGES).index(language)

    def speak(name: str, **slots: object) -> str:
        return agree(WORDS[name][at], slots, language).format_map(slots) if slots else WORDS[name][at]

    return speak


def carrier_name(say: Say, carrier: str) -> str:
    """Return how a synchronisation travelled, or the carrier itself where nobody has named it."""
    name = f"carrier_{carrier}"
    return say(name) if name in WORDS else carrier


def event_name(say: Say, kind: str) -> str:
    """Return what a kind of event is called, or the kind itself where nobody has named it."""
    name = f"event_{kind}"
    return say(name) if name in WORDS else kind
