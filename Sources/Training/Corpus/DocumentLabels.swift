import ModelFormat

/// The labels of a corpus' documents.
public struct DocumentLabels: Sendable {
    /// What the labels are called.
    public let labels: Labels
    /// For each document a number for each column: 0 for no label, else 1 and the label.
    private let numbers: [UInt16]
    /// The position of each document's first symbol.
    private let starts: [Int]

    init(labels: Labels, numbers: [UInt16], starts: [Int]) {
        self.labels = labels
        self.numbers = numbers
        self.starts = starts
    }

    /// The label of a document in a column; nil if it has none.
    ///
    /// - Parameter document: Its number in the order of the corpus.
    func label(ofDocument document: Int, column: Int) -> Int? {
        let number = Int(numbers[document * labels.counts.count + column])
        return number == 0 ? nil : number - 1
    }

    /// The label in each column, nil for none, of the document that a position is in.
    ///
    /// - Complexity: O(log of the number of documents).
    public func labels(at position: Int) -> [Int?] {
        let document = document(at: position)
        return labels.counts.indices.map { label(ofDocument: document, column: $0) }
    }

    /// The document at a position, whose end is its own.
    ///
    /// - Complexity: O(log of the number of documents).
    func document(at position: Int) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= position { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    /// The SHA-256 of all documents' labels.
    var sha256: String {
        var hash = SHA256()
        numbers.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
        return hash.hexadecimalDigest()
    }
}
