import Core

extension Session {
    /// Has the session keep what it was before each of its last characters, so that they can be
    /// undone. What was read or generated before cannot be.
    ///
    /// Each place takes as much memory as the recurrent state; text is then read one character at a
    /// time.
    ///
    /// - Throws: `invalidArgument` unless the capacity is from 0 to 65,536; `outOfMemory`. Nothing
    ///   has then changed.
    public func setUndoCapacity(_ capacity: Int) throws(ChargenError) {
        guard (0...UndoRing.maximumCapacity).contains(capacity) else {
            throw ChargenError(.invalidArgument, "undo must be from 0 to \(UndoRing.maximumCapacity) characters")
        }
        try stream.setUndo(capacity)
    }

    /// The number of characters that can be undone now.
    public var undoCount: Int { stream.undoCount }

    /// Undoes the last characters, whether they were read or generated. The text goes on as it
    /// would have before them, the random generator included. The end of a document counts as a
    /// character.
    ///
    /// Held back characters are the first to go; others are then given out next.
    /// Settings stay.
    ///
    /// - Throws: `invalidArgument` unless the count is from 0 to ``undoCount``.
    public func undo(_ count: Int) throws(ChargenError) {
        guard (0...stream.undoCount).contains(count) else {
            throw ChargenError(.invalidArgument, "only \(stream.undoCount) characters can be undone")
        }
        if count > 0 { stream.undo(count) }
    }
}
