"""What the columns of a roster and of a register mean, in the languages of the programs.

English stands with the columns themselves. Hindi and Telugu are drafts that nobody has reviewed yet, and the
sheet says so. A language that is missing falls back to English.
"""

from collections.abc import Mapping
from typing import NamedTuple

from engagement.workflows.register import COLUMNS as REGISTER
from engagement.workflows.roster import COLUMNS as ROSTER


class Words(NamedTuple):
    """What stands on the sheet that explains another one."""

    title: str
    column: str
    meaning: str
    choices: str
    advice: tuple[str, ...]
    yes: str
    no: str


WORDS: Mapping[str, Words] = {
    "en": Words(
        "notes",
        "column",
        "what it means",
        "may be",
        (
            "Mend what is wrong, add people below, save, and send the file back. Empty cells change nothing.",
            "Grey cells name whom or what a line is about; leave them as they are.",
            "No names, phone numbers, addresses or Aadhaar numbers, in no cell: people have pseudonyms here.",
            "Dates: {dates}, or year-month-day.",
        ),
        "yes",
        "no",
    ),
    "hi": Words(
        "टिप्पणी",
        "स्तंभ",
        "अर्थ",
        "क्या लिखें",
        (
            "(अनुवाद का मसौदा, अभी जाँचा नहीं गया)",
            "जो गलत है उसे ठीक करें, नए लोग नीचे जोड़ें, सहेजें और फ़ाइल वापस भेजें। खाली खाना कुछ नहीं बदलता।",
            "धूसर खाने बताते हैं कि पंक्ति किसके बारे में है; उन्हें वैसे ही रहने दें।",
            "किसी खाने में नाम, फ़ोन नंबर, पता या आधार नंबर न लिखें: यहाँ लोगों के छद्म नाम हैं।",
            "तारीख: {dates}, या वर्ष-महीना-दिन।",
        ),
        "हाँ",
        "नहीं",
    ),
    "te": Words(
        "గమనికలు",
        "నిలువు వరుస",
        "అర్థం",
        "ఏమి రాయాలి",
        (
            "(అనువాద ముసాయిదా, ఇంకా సమీక్షించలేదు)",
            "తప్పు ఉన్నది సరిచేయండి, కొత్తవారిని కింద చేర్చండి, భద్రపరచి ఫైల్‌ను తిరిగి పంపండి. ఖాళీ గడి ఏమీ మార్చదు.",
            "బూడిద రంగు గడులు వరుస ఎవరి గురించో చెబుతాయి; వాటిని అలాగే ఉంచండి.",
            "ఏ గడిలోనూ పేరు, ఫోన్ నంబర్, చిరునామా, ఆధార్ నంబర్ రాయవద్దు: ఇక్కడ వ్యక్తులకు మారుపేర్లు ఉంటాయి.",
            "తేదీ: {dates}, లేదా సంవత్సరం-నెల-రోజు.",
        ),
        "అవును",
        "కాదు",
    ),
}
DATES = {
    "en": {"day_first": "day-month-year", "month_first": "month-day-year"},
    "hi": {"day_first": "दिन-महीना-वर्ष", "month_first": "महीना-दिन-वर्ष"},
    "te": {"day_first": "రోజు-నెల-సంవత్సరం", "month_first": "నెల-రోజు-సంవత్సరం"},
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "en": {**REGISTER["meeting"], **REGISTER["seat"], **ROSTER},
    "hi": {
        "group": "समूह की पहचान, ज़रूरी",
        "member": "सदस्य की पहचान (छद्म नाम), ज़रूरी",
        "seat": "समूह के रजिस्टर पर सदस्य का छोटा नंबर, ज़रूरी",
        "site": "स्थान की पहचान; कई स्थानों वाले कार्यक्रम में नए समूह के लिए ज़रूरी",
        "setting": "urban (शहर), rural (गाँव) या unknown (पता नहीं)",
        "group_language": "समूह की भाषा, जैसे en, hi, te",
        "catchment": "समूह किस क्षेत्र में है, आज से",
        "group_health_worker": "समूह से जुड़ी स्वास्थ्य कार्यकर्ता की पहचान, आज से",
        "role": "member (सदस्य), adviser (सलाहकार) या deputy (उप-सलाहकार)",
        "language": "सदस्य की अपनी भाषा, अगर अलग हो",
        "joined_on": "तारीख; खाली हो तो आज",
        "messages": "हाँ या नहीं: सुझाव दिए जा सकते हैं",
        "chance": "हाँ या नहीं: चुनाव कुछ हद तक संयोग से हो सकता है",
        "my_signals": "हाँ या नहीं: सदस्य की अपनी जानकारी चुनाव में काम आ सकती है",
        "health_worker": "हाँ या नहीं: स्वास्थ्य कार्यकर्ता को बताया जा सकता है",
        "barrier_money": "yes, no या unknown: पैसे की वजह से नहीं आ पाते",
        "barrier_motivation": "yes, no या unknown: बीमारी पर काबू पाने का मन नहीं बनता",
        "barrier_awareness": "yes, no या unknown: पता नहीं कि यह क्यों ज़रूरी है",
        "barrier_time": "yes, no या unknown: समय नहीं है",
        "barrier_sabotage": "yes, no या unknown: परिवार या दोस्त रुकावट डालते हैं",
        "barriers_checked_on": "पूछने की तारीख, किसी भी barrier के साथ ज़रूरी",
        "conditions": "diabetes, hypertension, obesity_surgery या other; कई हों तो बीच में खाली जगह",
        "channel": "adviser (सलाहकार), voice (फ़ोन कॉल), sms या app",
        "phone_kind": "none (नहीं), shared (साझा), basic (सादा) या smart; नंबर कभी नहीं",
        "sex": "female (महिला), male (पुरुष) या other (अन्य)",
        "age_band": "18-29, 30-39, 40-49, 50-59, 60-69 या 70+",
        "can_read": "हाँ या नहीं: पढ़ सकते हैं",
        "neighbourhood": "मोहल्ले का छोटा कोड, जैसे W-12",
        "date": "बैठक की तारीख, ज़रूरी",
        "came": "आए या नहीं; प्रति बैठक एक पंक्ति में: जो आए उनके नंबर, जैसे 1 3 4; कोई नहीं आया तो none",
        "goal_set": "नया लक्ष्य रखा: हाँ या नहीं, या किस बारे में",
        "goal": "पिछले लक्ष्य का क्या हुआ: met (पूरा), missed (नहीं), partly (कुछ), not followed up, dropped या none",
        "held": "बैठक हुई: yes, no या postponed (टली), ज़रूरी",
        "goals_set": "जिन्होंने लक्ष्य रखा उनके नंबर, या none",
        "goals_met": "जिनका लक्ष्य पूरा हुआ उनके नंबर, या none",
        "goals_missed": "जिनका लक्ष्य पूरा नहीं हुआ उनके नंबर, या none",
    },
    "te": {
        "group": "సమూహం గుర్తింపు, తప్పనిసరి",
        "member": "సభ్యుల గుర్తింపు (మారుపేరు), తప్పనిసరి",
        "seat": "సమూహం రిజిస్టర్‌లోని చిన్న సంఖ్య, తప్పనిసరి",
        "site": "ప్రాంతం గుర్తింపు; అనేక ప్రాంతాలున్న కార్యక్రమంలో కొత్త సమూహానికి తప్పనిసరి",
        "setting": "urban (పట్టణం), rural (గ్రామం) లేదా unknown (తెలియదు)",
        "group_language": "సమూహం భాష, ఉదా. en, hi, te",
        "catchment": "సమూహం ఏ పరిధికి చెందింది, ఈ రోజు నుంచి",
        "group_health_worker": "సమూహానికి అనుసంధానమైన ఆరోగ్య కార్యకర్త గుర్తింపు, ఈ రోజు నుంచి",
        "role": "member (సభ్యులు), adviser (సలహాదారు) లేదా deputy (ఉప సలహాదారు)",
        "language": "సభ్యుల సొంత భాష, వేరైతే",
        "joined_on": "తేదీ; ఖాళీగా ఉంటే ఈ రోజు",
        "messages": "అవును లేదా కాదు: సూచనలు ఇవ్వవచ్చు",
        "chance": "అవును లేదా కాదు: ఎంపిక కొంత యాదృచ్ఛికంగా జరగవచ్చు",
        "my_signals": "అవును లేదా కాదు: సభ్యుల సొంత సమాచారం ఎంపికకు వాడవచ్చు",
        "health_worker": "అవును లేదా కాదు: ఆరోగ్య కార్యకర్తతో పంచుకోవచ్చు",
        "barrier_money": "yes, no లేదా unknown: డబ్బు కారణంగా రాలేరు",
        "barrier_motivation": "yes, no లేదా unknown: వ్యాధిని అదుపు చేయాలన్న ఉత్సాహం లేదు",
        "barrier_awareness": "yes, no లేదా unknown: ఎందుకు ముఖ్యమో తెలియదు",
        "barrier_time": "yes, no లేదా unknown: సమయం లేదు",
        "barrier_sabotage": "yes, no లేదా unknown: కుటుంబం లేదా స్నేహితులు అడ్డుపడతారు",
        "barriers_checked_on": "అడిగిన తేదీ, ఏ barrier తోనైనా తప్పనిసరి",
        "conditions": "diabetes, hypertension, obesity_surgery లేదా other; అనేకమైతే మధ్యలో ఖాళీ",
        "channel": "adviser (సలహాదారు), voice (ఫోన్ కాల్), sms లేదా app",
        "phone_kind": "none (లేదు), shared (ఉమ్మడి), basic (సాధారణ) లేదా smart; నంబర్ ఎప్పుడూ కాదు",
        "sex": "female (స్త్రీ), male (పురుషుడు) లేదా other (ఇతర)",
        "age_band": "18-29, 30-39, 40-49, 50-59, 60-69 లేదా 70+",
        "can_read": "అవును లేదా కాదు: చదవగలరు",
        "neighbourhood": "వాడకు చిన్న కోడ్, ఉదా. W-12",
        "date": "సమావేశం తేదీ, తప్పనిసరి",
        "came": "వచ్చారా: అవును లేదా కాదు; సమావేశానికి ఒక వరుస అయితే: వచ్చినవారి సంఖ్యలు, ఉదా. 1 3 4; ఎవరూ రాకపోతే none",
        "goal_set": "కొత్త లక్ష్యం పెట్టుకున్నారా: అవును లేదా కాదు, లేదా దేని గురించి",
        "goal": "ముందు లక్ష్యం ఏమైంది: met (నెరవేరింది), missed (లేదు), partly (కొంత), not followed up, dropped, none",
        "held": "సమావేశం జరిగిందా: yes, no లేదా postponed (వాయిదా), తప్పనిసరి",
        "goals_set": "లక్ష్యం పెట్టుకున్నవారి సంఖ్యలు, లేదా none",
        "goals_met": "లక్ష్యం నెరవేరినవారి సంఖ్యలు, లేదా none",
        "goals_missed": "లక్ష్యం నెరవేరనివారి సంఖ్యలు, లేదా none",
    },
}
"""By language and column. The two layouts of a register share the words of a column they share."""
