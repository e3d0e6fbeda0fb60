"""Ordinary words of French, Arabic and Darija that lie one letter away from a label or the name of a place.

Who writes `tout` means all of it, not the option `Goût`; who writes `manger` does not mean Tanger. A word that stands
here is never taken for a slip of the pen; where it is a label or a name itself, it is understood as such.
"""

from __future__ import annotations

from functools import cache

from locales.folding import fold

FRENCH = """
a afin ailleurs ainsi alors ancien après assez atteint attendre au aucun aucune aujourd'hui aussi autant autre autres
avant avec avis avoir bas beau beaucoup belle bien bientôt blanc bleu boire bois bon bonjour bonne bonnes bonsoir bons
bord bout bras bruit but calme car cas cause ce cela celle celui cent centre cet cette chaque chat chaud chef chemin
cher chère chez chien chose clair coin comme comment compte contre corps cote coup coups courant court coût coûts
coûte coûter crise croûte cuite dans date debout dedans dehors déjà demain demi depuis dernier derrière des dessus
deux devant dimanche dire dit dix doit donc donne donner dont dormir dos doute doutes doux droit droite dur eau eaux
écoute écrire elle elles encore enfant enfin ensuite entre est et été être eux exact faim faire fait famille faut faux
femme fer feu fille fils fin finale fini finie fois fond force fort forte frais frère froid fruit gauche gens goutte
grand grande grave gris gros groupe guerre haut haute heure heures hier homme huit ici il ils instant jamais janvier
je jeu jeudi jeune joie jour jours juin juste lait langue large le les lettre leur leurs lire liste lit livre loin
long longue lourd loi lui lundi lune ma main mains mais maison mal manger marcher mardi mari marche matin mauvais me
mer mère mes mettre meilleur midi mieux mille mine mince mois moi moins moment mon monde mort mot mots mouton moyenne
mur même ne neige neuf ni noir nom non nord note notre nous nouveau nouvel nouvelle nu nuit nul nulle août on onze or
ou où oui ouest pain paix panne par parce pardon parent parfait parfois parler part parti partie partir partout pas
passe passer patte payer pays peau pendant penser perdre père personne petit petite peu peur peut pied
pierre place plage plein pleine pluie plus plutôt point pont porte possible pour pourquoi poule pourtant pouvoir
premier prendre près presque pris prise prit problème promet propre puis qu'il quand quatre que quel quelle quels qui
quinze quoi raison rare reine reste rester retard rien rire roi rouge rue sable sac sais saison sait sale salle salut
sang sans saut savoir se sec seize sel selon semaine sens sent sept sera ses seul seule si six soeur soif soir soit
sol soleil sombre somme son sort sorte souci sous souvent suis suite suivant sud sur sûr table tant tante tard tasse
te tel telle temps tente terre tes tête thé tiens tiers tire tôt toi toit tome ton tort toujours tour tous tout toute
toutefois toutes train traite travers treize trente très triste trois trop trou tu un une urgent usage vache veau
venir vent vente ventre vers vert viande vide vie vieux vieille vin vingt visage vite vivre voici voilà voie voir
voisin voix votre vos voyage vrai vraiment vu vue y zone
"""
DARIJA = """
allo ana bach balak bayn bghit bla bzaf chhal chi chkoun chno chnou chnu chokran chouf choukran chwiya daba dak dar
dial dima dyal fin fine ghadi ghir ghda had hada hadi hadchi hamdullah hna hnaya inchallah kan kayn kayna khoya khti
kif kifach koulchi kolchi kulchi labas lah lhamdullah lma lyoum ma3reft ma3reftch machi mazal mezyan mnin mzyan nta
nti rah safi salam sir smiti temma tkhad w3lach wach wakha wakhkha walo walou walu wlah yallah zwin zwina 3afak 3la
3lach 7it 9bel
"""
ARABIC = """
أب أبدا أحد أحيانا أخ أخت أخرى أخيرا إذا إذن أسرة أعرف إلى الآن الأب الأم الأمل الأول الأولى البارح البيت الجميع الحمد
الخبز الدار الدوار الذي الزمن السلام السوق الشمس العالم العام الفريق القرية الكل الله الليل المال المدينة المغرب الناس
النهار الوطن اليوم أم أمام أمس أمل أن إن أنا أنت انتظر أنها أو أول أي أين باش بدون بزاف بعد بعض بعيد بقي بلاد بلا بما
بيت بين تحت ترك تم ثم جار جدا جديد جميع جميل جيد حال حتى حسن حق حول حيث خارج خاص خبز خلف خير دائما دابا داخل دار درب
ديال ديما ذلك ربما رجل زمن زوين سلام سنة شارع شخص شكرا شكون شمس شنو شهر شوية شيء صباح صغير صافي ضد طريقة طفل عادي
عافاك عام عدد عرفت علاش على عم عمر عن عند عندنا عندي غالي غدا غير فريق فقط فلوس فوق في فيه فين قال قبل قدام قديم قرب
قرية قريب قليل كان كاين كبير كثير كثيرا كذلك كل كلشي كم كما كيف كيفاش لا لأن لاباس لاحقا لاشيء لكن لم لماذا لن لو لي
ليس ليل ما ماذا ماشي مال ماما متى مثل مدينة مرة مرحبا مزيان مساء مع معا معي ممتاز ممكن من مند منذ مهم نحن نعم نفس نهار
هادشي هذا هذه هل هم هنا هناك هو هي واخا واش والو والله وقت ولا ولكن ولد يا يعني يوجد يوم
"""
LEVELS = "région province préfecture commune ville village douar quartier جهة إقليم عمالة جماعة مدينة قرية دوار حي"


def is_ordinary(folded: str) -> bool:
    """Tell whether a folded word is an everyday one, with the Arabic article or without.

    >>> is_ordinary("tout"), is_ordinary("الاقليم"), is_ordinary("rute")
    (True, True, False)
    """
    return folded in _words() or (folded.startswith("ال") and folded[2:] in _words())


@cache
def _words() -> frozenset[str]:
    """Return the words as they are compared, worked out at the first slip that a citizen may have made."""
    return frozenset(fold(word) for text in (FRENCH, DARIJA, ARABIC, LEVELS) for word in text.split())
