"""Everything that can go wrong on purpose: one base class, one subclass a cause.

Nothing here knows of HTTP; ``entry.problems`` gives each cause its status in one place. The message is
written for the person who reads it in a client's output: what was wrong, with which value, what to do.
"""


class WheelyardError(Exception):
    """The base of every error that Wheelyard raises on purpose.

    ``title`` names the cause in a few words and is the same for every instance of a class; the
    exception's message is the detail.
    """

    title = "Something went wrong"


# --- settings ---


class InvalidSetting(WheelyardError):
    """A setting has a value that Wheelyard cannot use; the message names the variable."""

    title = "Invalid setting"


class InvalidPayload(WheelyardError):
    """A direct invocation's payload that is none of the known ones; the message names the place in it."""

    title = "Invalid payload"


# --- names and documents ---


class InvalidName(WheelyardError):
    """A project name that the specification does not allow."""

    title = "Invalid project name"


class InvalidFilename(WheelyardError):
    """A filename that is neither a wheel's nor a source distribution's."""

    title = "Invalid filename"


class InvalidVersion(WheelyardError):
    """A version that the specification (PEP 440) does not allow."""

    title = "Invalid version"


class InvalidDocument(WheelyardError):
    """A simple API document that cannot be read."""

    title = "Invalid index document"


class NotAcceptable(WheelyardError):
    """None of the forms that the client accepts is one that the index has."""

    title = "Not acceptable"


# --- what a request asks for ---


class NotFound(WheelyardError):
    """There is no such project, file or path here."""

    title = "Not found"


class MethodNotAllowed(WheelyardError):
    """The path exists, but not for this method."""

    title = "Method not allowed"

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class Unauthenticated(WheelyardError):
    """No credentials, or wrong ones.

    The message is for the client and the same for every cause. ``reason`` is for the log, empty where
    no credentials were sent, and ``username`` is the existing user whose password was not given.
    """

    title = "Authentication required"

    def __init__(self, message: str, reason: str = "", username: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.username = username


class Forbidden(WheelyardError):
    """Known, but not allowed to do this."""

    title = "Not allowed"


class InvalidUser(WheelyardError):
    """A username or password that cannot be stored or sent."""

    title = "Invalid user"


class InvalidToken(WheelyardError):
    """An API token that cannot be made or named so."""

    title = "Invalid token"


class InvalidPublisher(WheelyardError):
    """A trusted publisher that cannot be registered."""

    title = "Invalid trusted publisher"


class InvalidIdentity(WheelyardError):
    """An identity token that is not accepted; ``code`` tells the causes apart for programs."""

    title = "Trusted publishing refused"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class IssuerUnavailable(WheelyardError):
    """An identity provider that does not give its keys."""

    title = "Identity provider not available"


# --- publishing ---


class InvalidUpload(WheelyardError):
    """An upload form that is incomplete, contradictory or malformed."""

    title = "Invalid upload"


class InvalidArchive(WheelyardError):
    """A distribution file that is not what its name says it is."""

    title = "Invalid distribution"


class InvalidMetadata(WheelyardError):
    """Core metadata that the specification does not allow; the message names the fields."""

    title = "Invalid metadata"


class DigestMismatch(WheelyardError):
    """The bytes that arrived are not the ones that were announced."""

    title = "Digest mismatch"


class FileExists(WheelyardError):
    """Another file was already published under this filename."""

    title = "File already exists"


class Conflict(WheelyardError):
    """What was asked for does not fit what others, or the same client, have done before.

    ``location`` is the path of what stands in the way, where it has one.
    """

    title = "Conflict"

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


class UnsupportedMechanism(WheelyardError):
    """A way of uploading that this index does not offer."""

    title = "Upload mechanism not supported"


class IndexRefuses(WheelyardError):
    """What an index answered to an upload of ours: the message is its own."""

    title = "The index refuses"


class IndexUnavailable(WheelyardError):
    """An index that an upload of ours cannot reach."""

    title = "The index cannot be reached"


class TooLarge(WheelyardError):
    """More bytes than this way in accepts."""

    title = "File too large"


# --- management ---


class NotPossible(WheelyardError):
    """A change that what is there does not allow; the message says what to do first."""

    title = "Not possible"


class RemoteFailure(WheelyardError):
    """A deployed stack that cannot be found or asked, or that refuses; the message is its own."""

    title = "The stack refused"


# --- upstream ---


class UpstreamError(WheelyardError):
    """The upstream index is needed and does not give what it should.

    ``retry_after``  seconds after which to ask again, where upstream said so
    """

    title = "The upstream index failed"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamUnavailable(UpstreamError):
    """Upstream cannot be reached, is too slow, or asks for patience."""

    title = "The upstream index is not available"


class UpstreamRefused(UpstreamError):
    """Upstream refuses, or would lead to where Wheelyard does not go."""

    title = "The upstream index refused"


class UpstreamInvalid(UpstreamError):
    """What upstream sent cannot be used."""

    title = "The upstream index sent something invalid"


class UpstreamMismatch(UpstreamError):
    """A file from upstream is not the one that its page promises; the message names both digests."""

    title = "Digest mismatch"


class ListingShrank(UpstreamError):
    """Upstream's root listing lost so many names that it is more likely broken than right."""

    title = "The upstream listing shrank"


class RestartConflict(WheelyardError):
    """A function is being changed by somebody else for longer than a restart can wait."""

    title = "The function is being changed"


class RestartFailed(WheelyardError):
    """A function cannot be restarted without harm."""

    title = "The function cannot be restarted"


# --- transfer ---


class SourceUnclear(WheelyardError):
    """What is to be imported is not where it was said to be, or more than can have been meant."""

    title = "The source is unclear"


# --- storage ---


class StorageError(WheelyardError):
    """The object store answered with an error that is none of the expected ones."""

    title = "Storage is not available"


class KeyNotFound(StorageError):
    """There is no object under this key."""

    title = "No such object"


class KeyExists(StorageError):
    """An object was to be created under a key that is taken."""

    title = "Object exists"


class KeyChanged(StorageError):
    """An object was to be replaced, but somebody else replaced or removed it first."""

    title = "Object changed"


class KeyContended(StorageError):
    """Another write of the same key is just under way; it is not known yet who will have won."""

    title = "Object is being written"
