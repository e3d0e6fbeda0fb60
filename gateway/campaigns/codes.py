"""What can be wrong with a campaign besides the shape of its file, which has the codes of flows (`F1…`, `F2…`)."""

from __future__ import annotations

from flows.load.problem import Code

UNKNOWN_FLOW = Code("C101", "unknown-flow", "error", "A campaign names a flow that is not served.")
UNKNOWN_PLACE = Code("C102", "unknown-place", "error", "A place code is in no list of the HCP.")
UNKNOWN_CHANNEL = Code("C103", "unknown-channel", "error", "A channel is not configured, or carries no SMS.")
UNKNOWN_ANSWER = Code("C104", "unknown-answer", "error", "The audience's condition names what its flow does not ask.")
NAME = Code("C105", "name", "error", "A campaign's id is not the name of its file.")
TIMES = Code("C106", "times", "error", "A campaign ends before it begins, or its hours leave nobody to be asked.")
WAVES = Code("C107", "waves", "error", "Waves take more than the whole audience, or one follows the rest.")
PRICE = Code("C108", "price", "error", "Spending is limited, and no channel says what a segment costs.")
NO_CONDITION = Code("C109", "no-flow", "error", "A condition or a time is written without the flow it is about.")

CODES = (
    UNKNOWN_FLOW,
    UNKNOWN_PLACE,
    UNKNOWN_CHANNEL,
    UNKNOWN_ANSWER,
    NAME,
    TIMES,
    WAVES,
    PRICE,
    NO_CONDITION,
)
