import CIntrinsics
import Core
import KernelDispatch
import ModelFormat

// Which label a text has, by Bayes' rule: labels are as probable as they make the text, all being
// equally probable before it is known.
extension Session {
    /// The most labels that are compared at once.
    private static var batchCapacity: Int { 64 }

    /// The probability of each label of a column for a text; all NaN if the logits overflowed.
    ///
    /// The session's other labels, its treatment of unknown characters and its threads count; its
    /// own text stays as it is.
    ///
    /// - Parameters:
    ///   - column: The number of a column.
    ///   - isWhole: Whether the text is a document with its end, or may go on.
    /// - Throws: `invalidArgument` for another column, what is wrong with the text, `interrupted`,
    ///   `outOfMemory`.
    /// - Complexity: as scoring the text for each label.
    public func classify(_ text: String, column: Int = 0, isWhole: Bool = true) throws(ChargenError) -> [Float] {
        var probabilities = [Float](repeating: 0, count: model.labelCount(column: column))
        try withBytes(of: text) { (bytes) throws(ChargenError) in
            try probabilities.withUnsafeMutableBufferPointer { (probabilities) throws(ChargenError) in
                try classify(bytes, column: column, isWhole: isWhole, probabilities)
            }
        }
        return probabilities
    }

    /// Writes the probability of each label for a UTF-8 text; see
    /// ``classify(_:column:isWhole:)-(String,_,_)``.
    package func classify(
        _ text: UnsafeRawBufferPointer, column: Int, isWhole: Bool, _ probabilities: UnsafeMutableBufferPointer<Float>
    ) throws(ChargenError) {
        let count = try checkedLabelCount(column, probabilities.count, times: 1)
        let capacity = Swift.min(count, Session.batchCapacity)
        let batch = try Batch(model, capacity: capacity, threads: threads)
        batch.setInterrupt(interrupt.flag)
        let sessions = try documents(capacity)
        let scores = try AlignedBuffer<Double>(count: count, for: "classifying a text")
        for start in stride(from: 0, to: count, by: capacity) {
            let size = Swift.min(capacity, count - start)
            for index in 0..<size { try sessions[index].begin(label: start + index, column: column) }
            try batch.score(
                size, { sessions[$0] }, text: { _ in text }, end: isWhole && model.hasEndOfDocument,
                results: scores.pointer + start)
        }
        guard let probabilities = probabilities.baseAddress else { return }
        write(
            scores.elements, asProbabilities: probabilities,
            by: try AlignedBuffer(count: padded(count), for: "classifying a text"))
    }

    /// The probability of each label of a column after each character of a text; see
    /// ``classify(_:column:isWhole:)-(String,_,_)``.
    public func classifyPrefixes(_ text: String, column: Int = 0) throws(ChargenError) -> [[Float]] {
        let count = model.labelCount(column: column)
        var probabilities = [Float](repeating: 0, count: text.unicodeScalars.count * count)
        let characters = try withBytes(of: text) { (bytes) throws(ChargenError) in
            try probabilities.withUnsafeMutableBufferPointer { (probabilities) throws(ChargenError) in
                try classifyPrefixes(bytes, column: column, probabilities)
            }
        }
        return (0..<characters).map { Array(probabilities[$0 * count..<($0 + 1) * count]) }
    }

    /// Writes the probability of each label of a column after each character of a UTF-8 text: for
    /// the first character the probability of each label, then for the second, and so on.
    ///
    /// - Parameter probabilities: Room for the characters times the column's labels.
    /// - Returns: The number of characters.
    /// - Throws: As ``classify(_:column:isWhole:)-(String,_,_)``; `bufferTooSmall`.
    package func classifyPrefixes(
        _ text: UnsafeRawBufferPointer, column: Int, _ probabilities: UnsafeMutableBufferPointer<Float>
    ) throws(ChargenError) -> Int {
        let labels = try model.labels(havingColumn: column).counts[column]
        var characters = 0
        SymbolReader(text, for: stream).forEachCharacter { _ in characters += 1 }
        _ = try SymbolReader(text, for: stream).count()
        _ = try checkedLabelCount(column, probabilities.count, times: characters)
        let session = try document()
        let logProbabilities = try AlignedBuffer<Double>(count: labels * characters, for: "classifying a text")
        for label in 0..<labels {
            try session.begin(label: label, column: column)
            let own = UnsafeMutableBufferPointer(
                start: logProbabilities.pointer + label * characters, count: characters)
            _ = try session.score(text, each: own)
        }
        let scores = try AlignedBuffer<Double>(count: labels, for: "classifying a text")
        let buffer = try AlignedBuffer<Float>(count: padded(labels), for: "classifying a text")
        guard let first = probabilities.baseAddress else { return 0 }
        for character in 0..<characters {
            for label in 0..<labels {
                scores.pointer[label] += logProbabilities.pointer[label * characters + character]
            }
            write(scores.elements, asProbabilities: first + character * labels, by: buffer)
        }
        return characters
    }

    /// The number of a column's labels, for which there is room.
    private func checkedLabelCount(_ column: Int, _ room: Int, times characters: Int) throws(ChargenError) -> Int {
        let count = try model.labels(havingColumn: column).counts[column]
        let (needed, overflow) = count.multipliedReportingOverflow(by: characters)
        guard !overflow, room >= needed else {
            throw ChargenError(
                .bufferTooSmall,
                "room for \(room) probabilities is too little: \(overflow ? .max : needed) are needed")
        }
        return count
    }

    private func documents(_ count: Int) throws(ChargenError) -> [Session] {
        var sessions: [Session] = []
        for _ in 0..<count { sessions.append(try document()) }
        return sessions
    }

    /// Goes to the beginning of a document with a label.
    private func begin(label: Int, column: Int) throws(ChargenError) {
        reset()
        try setLabel(label, column: column)
    }

    /// A session at the beginning of a document with this one's labels and its treatment of unknown
    /// characters.
    // Not inlined: the optimiser of Swift 6.3.1 fails on the loop that calls it.
    @inline(never)
    private func document() throws(ChargenError) -> Session {
        let session = try Session(sharing: self)
        session.unknownCharacters = unknownCharacters
        session.setInterrupt(interrupt.flag)
        session.stream.copyLabels(of: stream)
        return session
    }

    /// Writes probabilities in proportion to exp(score).
    ///
    /// - Parameter buffer: Memory for as many, padded to whole vectors.
    private func write(
        _ scores: UnsafeMutableBufferPointer<Double>, asProbabilities probabilities: UnsafeMutablePointer<Float>,
        by buffer: AlignedBuffer<Float>
    ) {
        // Their differences are exact enough as floats; they themselves, of long texts, are not.
        var maximum = -Double.infinity
        for score in scores { maximum = score > maximum ? score : maximum }
        for (index, score) in scores.enumerated() { buffer.pointer[index] = Float(score - maximum) }
        writeProbabilities(of: buffer.pointer, count: scores.count, to: buffer.pointer, model)
        probabilities.update(from: buffer.pointer, count: scores.count)
    }
}
