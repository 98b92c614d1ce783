import Core

extension Session {
    /// Sets strings at which generated text stops, in place of earlier ones: text is given out up
    /// to the first of them, and none of it nor of a part of it, as far as it is known to be one.
    /// ``endReason`` then tells which one it was.
    ///
    /// What may become a stop string is held back until the following characters tell. It is part
    /// of the session's text, as a stop string is that was generated: what follows continues it.
    /// Text that is read comes after what is held back then, which is given out first by the next
    /// call that generates. Stop strings are not searched for in text that is read.
    ///
    /// - Throws: `invalidArgument` for more than 64 strings, an empty one or one of more than 1,024
    ///   characters; `outOfMemory`. Nothing has then changed.
    public func setStopStrings(_ strings: [String]) throws(ChargenError) {
        try setStopStrings(count: strings.count) { (index, body) throws(ChargenError) in
            try withBytes(of: strings[index], body)
        }
    }

    /// Sets stop strings; see ``setStopStrings(_:)``.
    ///
    /// - Parameter string: Calls its second argument with the UTF-8 of a string.
    /// - Throws: Also `invalidUTF8`.
    package func setStopStrings(
        count: Int,
        _ string: (Int, (UnsafeRawBufferPointer) throws(ChargenError) -> Void) throws(ChargenError) -> Void
    ) throws(ChargenError) {
        guard count <= StopStrings.maximumCount else {
            throw ChargenError(.invalidArgument, "there can be at most \(StopStrings.maximumCount) stop strings")
        }
        var strings = try StopStrings()
        for index in 0..<count {
            try string(index) { (text) throws(ChargenError) in
                try strings.append(text, index: index, model.vocabulary)
            }
        }
        try stream.setStopStrings(strings)
    }

    /// Why the last call that generated text came to its end; nil if ``next()`` gave a character,
    /// or nothing was generated since the beginning.
    public var endReason: EndReason? { stream.endReason }

    /// The number of characters that were generated and are held back: see ``setStopStrings(_:)``.
    public var heldCharacters: Int { stream.heldCount }
}
