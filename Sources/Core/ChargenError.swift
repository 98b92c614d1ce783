/// Why a model or a text was refused: a kind for programs and a sentence for people.
public struct ChargenError: Error, Sendable {
    /// What went wrong, for a program to act on. The raw values are those of `chargen_status`.
    public enum Kind: Int32, Sendable {
        /// An argument is outside its range.
        case invalidArgument = 1
        /// The system refused memory.
        case outOfMemory = 2
        /// A file could not be opened, read or written.
        case fileAccess = 3
        /// The bytes are not a `.cgw` file, or a damaged one.
        case invalidModel = 4
        /// The file needs a newer version of the library.
        case unsupportedVersion = 5
        /// A text is not UTF-8.
        case invalidUTF8 = 6
        /// A text contains a character that the model does not know.
        case unknownCharacter = 7
        /// The caller's buffer cannot hold a single character.
        case bufferTooSmall = 8
        /// The backend does not exist, or the processor does not support it.
        case unsupportedBackend = 9
        /// The caller's flag has ended the call.
        case interrupted = 10
        /// A pattern has a fault, matches no text of the model's characters, or is too large.
        case invalidPattern = 11
        /// The bytes are not a snapshot of a session of the model, or a damaged one.
        case invalidSnapshot = 12
    }

    /// What went wrong, for a program.
    public let kind: Kind
    /// What was wrong, where, and what would be right.
    public let message: String

    /// An error of a kind, with its message.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

#if !hasFeature(Embedded)
    extension ChargenError: CustomStringConvertible {
        public var description: String { message }
    }
#endif
