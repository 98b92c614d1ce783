import Core

// What the texts that a session generates have to be like.
extension Session {
    /// The pattern that generated text matches; nil, as at first, for any text.
    public var pattern: Pattern? { stream.constraint.pattern }

    /// Has generated text match a pattern: each text from this call on, until the end of a document
    /// or of the pattern, after which another text begins.
    ///
    /// What is read does not count: a prompt may come first, or in between. Where nothing can follow
    /// in the pattern, the text ends, as it does at the end of a document; the model chooses where
    /// it ends if the pattern leaves a choice and the model has learned where documents end. A model
    /// without that goes on as long as the pattern allows: see ``setMaximumLength(_:)``. Banned
    /// characters, and those outside an allowed set, are as if the pattern did not have them.
    ///
    /// - Throws: `invalidArgument` if the pattern belongs to another model, or no text of it is
    ///   short enough and has none of the banned characters; `outOfMemory`. Nothing has then
    ///   changed.
    /// - Complexity: Where characters are banned, O(states of the pattern · characters).
    public func setPattern(_ pattern: Pattern?) throws(ChargenError) {
        try stream.setPattern(pattern)
    }

    /// The most characters that are generated for a text; 0, as at first, for any number.
    public var maximumLength: Int { stream.constraint.maximumLength }

    /// Has a text end after some number of characters at the latest, counted from this call on. With
    /// a pattern, what is chosen towards the end is what still can become a match.
    ///
    /// A text that ends so is followed by another one, in a new document if the model has learned
    /// where documents end.
    ///
    /// - Throws: `invalidArgument` if the length is negative, or no text of the pattern is so short.
    ///   Nothing has then changed.
    public func setMaximumLength(_ length: Int) throws(ChargenError) {
        guard length >= 0 else {
            throw ChargenError(.invalidArgument, "the maximum length must be 0 (none) or a number of characters")
        }
        try stream.setMaximumLength(length)
    }

    /// Whether the text generated so far may end here: true without a pattern.
    public var mayEnd: Bool { stream.constraint.mayEnd }
}
