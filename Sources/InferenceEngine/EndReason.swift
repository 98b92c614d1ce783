/// Why a call that generates text came to its end.
public enum EndReason: Sendable, Equatable {
    /// As many characters as were asked for have been generated.
    case limit
    /// The buffer is full.
    case room
    /// The caller has stopped it.
    case caller
    /// The model has ended the document.
    case document
    /// The text matches the pattern, and nothing more can follow.
    case pattern
    /// The text has its maximum length.
    case maximumLength
    /// A stop string has been generated: its number among those that were set, from 0.
    case stopString(Int)
    /// The caller's flag was set; see ``Session/setInterrupt(_:)``.
    case interrupt
}
