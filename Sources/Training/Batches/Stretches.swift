import Core

/// Stretches of a corpus, read one after the other as one text: a whole text, or documents in some
/// order.
///
/// A position of the text is an input symbol; the symbol after it in the corpus is its target. A
/// document's stretch begins with the end-of-document symbol before it, which is what generation
/// reads first, and ends with its last character, whose target is the end of the document. The
/// first document of a corpus has no symbol before it: its stretch begins at −1.
struct Stretches {
    /// The positions of the inputs in the corpus.
    let ranges: [Range<Int>]
    /// For each stretch, the position in the text after its last symbol.
    private let ends: [Int]

    init(_ ranges: [Range<Int>]) {
        self.ranges = ranges
        var ends: [Int] = []
        ends.reserveCapacity(ranges.count)
        for range in ranges { ends.append((ends.last ?? 0) + range.count) }
        self.ends = ends
    }

    /// The number of positions.
    var count: Int { ends.last ?? 0 }

    /// The position in the text of a stretch's first symbol.
    func start(of stretch: Int) -> Int { stretch == 0 ? 0 : ends[stretch - 1] }

    /// The stretch that a position is in.
    ///
    /// - Complexity: O(log of the number of stretches).
    func stretch(at position: Int) -> Int {
        var low = 0
        var high = ends.count - 1
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > position { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The position in the corpus of a position's target.
    ///
    /// - Complexity: O(log of the number of stretches).
    func target(of position: Int) -> Int {
        let stretch = stretch(at: position)
        return ranges[stretch].upperBound - (ends[stretch] - position) + 1
    }

    /// The stretch that begins at or first after a position; their number if none does.
    func firstStretch(from position: Int) -> Int {
        guard position < count else { return ranges.count }
        let stretch = stretch(at: position)
        return start(of: stretch) == position ? stretch : stretch + 1
    }

    /// Divides the text into `count` rows of about the same length.
    ///
    /// A row begins where a stretch does if that is near, and otherwise within one, so that a few
    /// long stretches make rows of one length too.
    ///
    /// - Parameter tolerance: How much longer than the others a row may be.
    func rows(_ count: Int, tolerance: Int) -> [Range<Int>] {
        var starts: [Int] = []
        for row in 0..<count {
            let position = row * self.count / count
            let stretch = firstStretch(from: position)
            let border = stretch == ranges.count ? self.count : start(of: stretch)
            starts.append(border - position <= tolerance ? border : position)
        }
        return starts.indices.map { starts[$0]..<($0 + 1 < count ? starts[$0 + 1] : self.count) }
    }

    /// Copies the inputs and targets of some positions to every `stride`-th element.
    func copy(
        _ positions: Range<Int>, of corpus: Corpus, inputs: UnsafeMutablePointer<Int32>,
        targets: UnsafeMutablePointer<Int32>, stride: Int
    ) {
        guard !positions.isEmpty else { return }
        var position = positions.lowerBound
        var stretch = stretch(at: position)
        while position < positions.upperBound {
            let end = min(ends[stretch], positions.upperBound)
            let offset = (position - positions.lowerBound) * stride
            var first = ranges[stretch].upperBound - (ends[stretch] - position)
            let last = first + end - position
            corpus.copySymbols(first + 1..<last + 1, to: targets + offset, stride: stride)
            var input = inputs + offset
            if first < 0, let endOfDocument = corpus.vocabulary.endOfDocument {
                input.pointee = Int32(endOfDocument)
                input += stride
                first = 0
            }
            corpus.copySymbols(first..<last, to: input, stride: stride)
            position = end
            stretch += 1
        }
    }
}
