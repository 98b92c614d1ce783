import Core

extension Session {
    /// Reads text as ``score(_:end:)-(String,_)`` does, and tells how probable each character was.
    ///
    /// - Returns: The natural logarithm of each character's probability, given those before it; 0
    ///   for one that is skipped.
    /// - Throws: As that.
    public func scoreCharacters(_ text: String) throws(ChargenError) -> [Double] {
        var result = [Double](repeating: 0, count: text.unicodeScalars.count)
        _ = try withBytes(of: text) { (bytes) throws(ChargenError) in
            try result.withUnsafeMutableBufferPointer { (result) throws(ChargenError) in
                try score(bytes, each: result)
            }
        }
        return result
    }

    /// Reads UTF-8 text, and tells how probable each character was; see ``scoreCharacters(_:)``.
    ///
    /// - Parameter logProbabilities: Receives one for each character of the text; 0 for one that is
    ///   skipped.
    /// - Returns: The number of characters.
    /// - Throws: Also `invalidUTF8`, and `bufferTooSmall`; the session is then as before.
    package func score(
        _ text: UnsafeRawBufferPointer, each logProbabilities: UnsafeMutableBufferPointer<Double>
    ) throws(ChargenError) -> Int {
        let symbols = SymbolReader(text, for: stream)
        let known = try symbols.count()
        var count = 0
        symbols.forEachCharacter { _ in count += 1 }
        guard count <= logProbabilities.count else {
            throw ChargenError(
                .bufferTooSmall,
                "room for \(logProbabilities.count) log-probabilities is too little for the text's \(count) characters")
        }
        guard let first = logProbabilities.baseAddress else { return 0 }
        // At the end, from where they move to their characters' places.
        var next = first + count - known
        var scores = ScoreSum(each: next)
        try read(symbols, scores: &scores)
        var place = first
        symbols.forEachCharacter { symbol in
            place.pointee = symbol == nil ? 0 : next.pointee
            if symbol != nil { next += 1 }
            place += 1
        }
        return count
    }
}
