import Core

/// The labels that a model's documents may have: columns, such as a class and a language, each with
/// its labels.
///
/// Names are UTF-8 without a NUL. The labels of a column are in ascending order of their bytes.
public struct Labels: Equatable, Sendable {
    /// The number of labels of each column.
    public let counts: [Int]
    /// The names, a NUL after each: of each column its own, then those of its labels.
    public let text: [UInt8]
    /// For each name the offset in ``text``, and after the last the length of all.
    private let places: [Int]

    /// The most columns, labels of all columns together, and bytes of ``text``.
    public static var maximum: (columns: Int, labels: Int, textLength: Int) {
        (columns: 16, labels: 4095, textLength: 1 << 16)
    }

    /// Labels, or nil unless the counts and the text fit each other, the names are as they must be,
    /// and nothing is larger than the limits.
    ///
    /// - Complexity: O(length of the text).
    public init?(counts: [Int], text: [UInt8]) {
        let limit = Labels.maximum
        guard (1...limit.columns).contains(counts.count), text.count <= limit.textLength,
            counts.allSatisfy({ (1...limit.labels).contains($0) }), counts.reduce(0, +) <= limit.labels,
            Labels.isUTF8(text)
        else { return nil }
        var places = [0]
        for (index, byte) in text.enumerated() where byte == 0 { places.append(index + 1) }
        guard places.count == counts.reduce(0, +) + counts.count + 1, places.last == text.count else { return nil }
        self.counts = counts
        self.text = text
        self.places = places
        for column in counts.indices {
            let name = name(ofColumn: column)
            guard !name.isEmpty, !(0..<column).contains(where: { self.name(ofColumn: $0).elementsEqual(name) }) else {
                return nil
            }
            for label in 0..<counts[column] {
                let name = self.name(of: label, in: column)
                guard !name.isEmpty else { return nil }
                if label > 0, !self.name(of: label - 1, in: column).lexicographicallyPrecedes(name) { return nil }
            }
        }
    }

    private static func isUTF8(_ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { text in
            var place = 0
            while place < text.count {
                guard case .scalar(_, let length) = decodeUTF8(text, at: place) else { return false }
                place += length
            }
            return true
        }
    }

    /// The number of labels of all columns.
    public var count: Int { counts.reduce(0, +) }

    /// The name of a column.
    public func name(ofColumn column: Int) -> ArraySlice<UInt8> { text[range(nameIndex(column))] }

    /// The name of a column's label.
    public func name(of label: Int, in column: Int) -> ArraySlice<UInt8> {
        text[range(nameIndex(column) + 1 + label)]
    }

    /// The place in ``text`` of a column's name.
    public func place(ofColumn column: Int) -> Int { places[nameIndex(column)] }

    /// The place in ``text`` of a label's name.
    public func place(of label: Int, in column: Int) -> Int { places[nameIndex(column) + 1 + label] }

    /// The label with a name; nil if the column has none such. O(log labels).
    public func label(named name: some Collection<UInt8>, in column: Int) -> Int? {
        var low = 0
        var high = counts[column]
        while low < high {
            let middle = (low + high) / 2
            if self.name(of: middle, in: column).lexicographicallyPrecedes(name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < counts[column] && self.name(of: low, in: column).elementsEqual(name) ? low : nil
    }

    /// The row of a label in the tensors of labels, whose first row is that of no label.
    public func row(of label: Int, in column: Int) -> Int {
        1 + counts[..<column].reduce(0, +) + label
    }

    private func nameIndex(_ column: Int) -> Int { counts[..<column].reduce(0, +) + column }

    /// A name's bytes, without the NUL.
    private func range(_ name: Int) -> Range<Int> { places[name]..<places[name + 1] - 1 }
}

// libchargen.so does not write models, and needs no strings of them.
#if !hasFeature(Embedded)
    extension Labels {
        /// A column as strings.
        public struct Column: Codable, Equatable, Sendable {
            /// The column's name.
            public let name: String
            /// Its labels, in ascending order of their UTF-8.
            public let labels: [String]

            /// A column; its labels are sorted.
            public init(name: String, labels: some Sequence<String>) {
                self.name = name
                self.labels = labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
        }

        /// The columns as strings.
        public var columns: [Column] {
            counts.indices.map { column in
                Column(
                    name: String(decoding: name(ofColumn: column), as: UTF8.self),
                    labels: (0..<counts[column]).map { String(decoding: name(of: $0, in: column), as: UTF8.self) })
            }
        }

        /// The labels of columns, or nil if they are not as they must be.
        public init?(_ columns: [Column]) {
            var text: [UInt8] = []
            for column in columns {
                for name in [column.name] + column.labels {
                    guard !name.utf8.contains(0) else { return nil }
                    text += name.utf8 + [0]
                }
            }
            self.init(counts: columns.map(\.labels.count), text: text)
        }
    }
#endif
