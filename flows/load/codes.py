"""The codes of loading: what can be wrong with a flow file before anything is known of what it means."""

from __future__ import annotations

from flows.load.problem import code

# F1: the file as YAML
SYNTAX = code("F101", "syntax", "The file is not YAML: a quote, a bracket, a colon or the margin is wrong.")
TAB = code("F102", "tab", "A tab stands where YAML allows only spaces.")
DUPLICATE_KEY = code("F103", "duplicate-key", "A key is written twice in one map; YAML would drop the first.")
ALIAS = code("F104", "alias", "Anchors and aliases (`&name`, `*name`) are not allowed: a file says what it means.")
TAG = code("F105", "tag", "YAML tags (`!!int`, `!python/…`) are not allowed: every value is read as text.")
TOO_LARGE = code("F106", "too-large", "The file is too long, too deep or has too many values.")
SEVERAL_DOCUMENTS = code("F107", "several-documents", "A file holds one flow; a second document follows a `---`.")
CHARACTER = code("F108", "unreadable-character", "The file holds a character that no text may hold.")
NOT_A_FLOW = code("F109", "not-a-flow", "The file is empty, or is not a map of keys.")
COMMA = code("F110", "loose-comma", "In a `{…}` a comma inside a text without quotes cuts the text in two.")

# F2: keys and values
UNKNOWN_KEY = code("F201", "unknown-key", "A key is not one of the flow language.")
MISSING_KEY = code("F202", "missing-key", "A key that is always needed is missing.")
WRONG_SHAPE = code("F203", "wrong-shape", "A word, a list or a map stands where another of them is needed.")
WRONG_VALUE = code("F204", "wrong-value", "A value is not one that its key can have.")
UNKNOWN_LANGUAGE = code("F205", "unknown-language", "A language is not one of `fr`, `ar`, `zgh`, `zgh-Latn`.")
BAD_ID = code("F206", "bad-id", "An id or option key is not made of small letters, digits and hyphens.")
RESERVED_ID = code("F207", "reserved-id", "An id has a meaning of its own in the language.")
REPEATED = code("F208", "repeated-value", "A list says the same thing twice.")
MISPLACED_KEY = code("F209", "misplaced-key", "A key does not belong to this verb or question type.")
NO_TITLE = code("F210", "no-title", "The flow has no title; citizens see its id.", "warning")

# F3: steps
NO_VERB = code("F301", "no-verb", "A step has none of the verbs.")
SEVERAL_VERBS = code("F302", "several-verbs", "A step has more than one verb.")
REPEATED_ID = code("F304", "repeated-id", "Two steps have the same id.")
UNKNOWN_TYPE = code("F305", "unknown-type", "A question type is not one of the flow language.")
FEW_OPTIONS = code("F306", "few-options", "A choice has fewer than two options, a menu none.")
OPTION_LIST = code("F307", "option-list", "Options are written as a list; their keys are missing.")
LABELS = code("F308", "rating-labels", "The labels of a rating do not name each mark from 1 up.")
RANGE = code("F309", "min-max", "`min` is greater than `max`: no answer is possible.")
REPEATED_MEASURE = code("F310", "repeated-measure", "Two questions feed the same indicator.")
OPTION_CONFLICT = code("F311", "option-conflict", "A menu option both jumps and informs.")

# F4: conditions
CONDITION = code("F401", "condition", "A `when` cannot be understood.")

# F5: texts
EMPTY_TEXT = code("F501", "empty-text", "A text is empty.")
NO_SOURCE = code("F502", "no-source-text", "A text in several languages lacks the flow's own language.")
