"""Why a raw file of NTU RGB+D gives no sample."""

from csre_mm.utils.errors import InputError

BAD_NAME = 'bad name'
UNREADABLE = 'unreadable'
EMPTY = 'empty file'
TRUNCATED = 'truncated'
MALFORMED = 'malformed'
NO_BODY = 'no body'
NO_ACTOR = 'no actor'

REASONS = {
    BAD_NAME: 'the name is not SsssCcccPpppRrrrAaaa of the data set',
    UNREADABLE: 'the file, or its place in the zip, cannot be read',
    EMPTY: 'there is nothing in the file',
    TRUNCATED: 'the file ends before its last frame does',
    MALFORMED: 'something else than the numbers that belong there',
    NO_BODY: 'no body in any frame: a missing skeleton',
    NO_ACTOR: 'bodies, all of them too short for the cleaning',
}
"""Each reason, in the order of the steps, and what it means."""


class RejectedError(InputError):
    """A raw file gives no sample.

    Args:
        message: One line that names the file.
        reason: One of :data:`REASONS`.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
