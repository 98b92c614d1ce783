/// The documents of a corpus, divided into those to learn from and those held out.
///
/// Each is a stretch that begins with the symbol that generation starts from (``Stretches``).
struct DocumentSplit {
    private(set) var training: [Range<Int>] = []
    private var heldOut: [Range<Int>] = []

    /// Holds out whole documents, evenly spread, or all at the end of the corpus. Of documents so
    /// few that one is more than is to be held out, the end of each is held out instead.
    ///
    /// - Parameter corpus: With an end-of-document symbol.
    init(_ corpus: Corpus, _ rule: HeldOut) {
        let documents = corpus.documents.map { $0.lowerBound - 1..<$0.upperBound }
        let count = Double(documents.count)
        let isWhole = count * rule.fraction >= 1
        for (index, document) in documents.enumerated() {
            let isHeldOut =
                switch rule.place {
                case .spread: Int(Double(index + 1) * rule.fraction) > Int(Double(index) * rule.fraction)
                case .end: index >= documents.count - Int(count * rule.fraction)
                }
            if isWhole {
                if isHeldOut { heldOut.append(document) } else { training.append(document) }
            } else {
                let end = document.upperBound - Int(Double(document.count) * rule.fraction)
                training.append(document.lowerBound..<end)
                if end < document.upperBound { heldOut.append(end..<document.upperBound) }
            }
        }
    }

    /// The documents held out, in rows; nil if there are none.
    func validation(rowCount: Int, time: Int) -> ValidationRows? {
        heldOut.isEmpty ? nil : ValidationRows(heldOut, rowCount: rowCount, time: time)
    }
}

/// What is held out for validation.
struct HeldOut: Equatable {
    /// The fraction of the corpus.
    var fraction: Double
    var place: Settings.HeldOutPlace
}
