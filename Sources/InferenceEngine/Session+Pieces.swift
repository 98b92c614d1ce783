import Core

extension Session {
    /// Reads a piece of a text in UTF-8, which may be cut anywhere, also inside a character: what a
    /// piece has of a character is kept until the next piece, and read with the rest of it.
    ///
    /// - Parameter piece: An empty one ends the text.
    /// - Throws: As ``feed(_:)-(String)``, and `invalidUTF8`; the session is then as before. Also
    ///   `invalidUTF8` if an empty piece ends the text within a character; its bytes are then
    ///   dropped, as after `interrupted`; see ``setInterrupt(_:)``.
    public func feed(piece: [UInt8]) throws(ChargenError) {
        try piece.withUnsafeBufferPointer { (piece) throws(ChargenError) in
            try feed(piece: UnsafeRawBufferPointer(piece))
        }
    }

    /// Reads a piece of UTF-8; see ``feed(piece:)-([UInt8])``.
    package func feed(piece: UnsafeRawBufferPointer) throws(ChargenError) {
        var first = stream.unfinished
        guard !piece.isEmpty else {
            stream.unfinished = UnfinishedCharacter()
            guard first.count == 0 else { throw ChargenError(.invalidUTF8, "the text ends within a character") }
            return
        }
        var start = 0
        while first.count > 0, first.isIncomplete {
            guard start < piece.count else { return stream.unfinished = first }
            first.append(piece[start])
            start += 1
        }
        let last = UnfinishedCharacter(endOf: UnsafeRawBufferPointer(rebasing: piece[start...]))
        let rest = UnsafeRawBufferPointer(rebasing: piece[..<(piece.count - last.count)])
        let symbols = SymbolReader(rest, from: start, for: stream)
        try first.withBytes { (first) throws(ChargenError) in
            let symbol = SymbolReader(first, for: stream)
            _ = try symbol.count()
            _ = try symbols.count()
            stream.unfinished = UnfinishedCharacter()
            guard read(symbol) else { throw ChargenError.interrupted }
        }
        guard read(symbols) else { throw ChargenError.interrupted }
        stream.unfinished = last
    }

    /// The number of bytes, 0 to 3, of a character whose rest the next piece is to have.
    public var unfinishedBytes: Int { stream.unfinished.count }
}
