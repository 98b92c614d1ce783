import Core
import ModelFormat

extension Model {
    /// The labels of documents; nil for a model without labels.
    package var labels: Labels? { labelStates?.labels }

    /// The number of columns of labels; 0 for a model without labels.
    public var labelColumnCount: Int { labels?.counts.count ?? 0 }

    /// The number of labels of a column; 0 for one that does not exist.
    public func labelCount(column: Int) -> Int {
        guard let labels, labels.counts.indices.contains(column) else { return 0 }
        return labels.counts[column]
    }

    /// The labels, checked to have a column.
    ///
    /// - Throws: `invalidArgument`.
    package func labels(havingColumn column: Int) throws(ChargenError) -> Labels {
        guard let labels else {
            throw ChargenError(.invalidArgument, "the model has no labels; train one with --label")
        }
        guard labels.counts.indices.contains(column) else {
            throw ChargenError(
                .invalidArgument, "the argument 'column' must be from 0 to \(labels.counts.count - 1) for this model")
        }
        return labels
    }

    /// The name of a column, or of a label of it, NUL-terminated, as long as the model exists; nil
    /// if there is none.
    package func labelName(_ label: Int?, column: Int) -> UnsafePointer<CChar>? {
        guard let states = labelStates, states.labels.counts.indices.contains(column) else { return nil }
        guard let label else { return UnsafePointer(states.text.pointer + states.labels.place(ofColumn: column)) }
        guard label >= 0, label < states.labels.counts[column] else { return nil }
        return UnsafePointer(states.text.pointer + states.labels.place(of: label, in: column))
    }
}

extension Session {
    /// Chooses the label of the documents that begin from now on: the one at hand, if nothing of it
    /// has been fed or generated, and those after an end or a reset.
    ///
    /// - Parameters:
    ///   - label: The number of a label in its column; nil for none.
    ///   - column: The number of a column, whose other labels no longer count.
    /// - Throws: `invalidArgument`; nothing has then changed.
    public func setLabel(_ label: Int?, column: Int = 0) throws(ChargenError) {
        let labels = try model.labels(havingColumn: column)
        guard label.map({ $0 >= 0 && $0 < labels.counts[column] }) ?? true else {
            throw ChargenError(
                .invalidArgument,
                "the argument 'label' must be from 0 to \(labels.counts[column] - 1) for this column, or -1 for none")
        }
        stream.setLabelWeights(from: labels.row(of: 0, in: column) - 1, count: labels.counts[column]) {
            $0 == label ? 1 : 0
        }
    }

    /// Chooses a mixture of a column's labels; see ``setLabel(_:column:)``.
    ///
    /// - Parameters:
    ///   - weights: One for each label of the column, in proportion.
    ///   - column: The number of a column.
    /// - Throws: `invalidArgument` unless all are finite and not negative, and some are positive;
    ///   nothing has then changed.
    public func setLabelWeights(_ weights: [Float], column: Int = 0) throws(ChargenError) {
        try weights.withUnsafeBufferPointer { (weights) throws(ChargenError) in
            try setLabelWeights(weights, column: column)
        }
    }

    /// Chooses a mixture of a column's labels; see ``setLabelWeights(_:column:)-([Float],_)``.
    package func setLabelWeights(_ weights: UnsafeBufferPointer<Float>, column: Int) throws(ChargenError) {
        let labels = try model.labels(havingColumn: column)
        guard weights.count == labels.counts[column] else {
            throw ChargenError(
                .invalidArgument,
                "the argument 'count' must be \(labels.counts[column]), the number of the column's labels")
        }
        var sum: Float = 0
        for weight in weights { sum += weight >= 0 ? weight : .nan }
        guard sum > 0, sum.isFinite else {
            throw ChargenError(
                .invalidArgument,
                "the weights of labels must not be negative, and their sum must be positive and finite")
        }
        stream.setLabelWeights(from: labels.row(of: 0, in: column) - 1, count: weights.count) { weights[$0] / sum }
    }

    /// Chooses a state that documents begin from, in place of one of labels; see
    /// ``setLabel(_:column:)``.
    ///
    /// - Parameter values: ``recurrentStateCount`` floats, as ``getRecurrentState(_:)`` writes
    ///   them; nil for the state of no label, which is zero in a model without labels.
    /// - Throws: `invalidArgument` as ``setRecurrentState(_:)``; `outOfMemory`. Nothing has then
    ///   changed.
    package func setInitialState(_ values: UnsafePointer<Float>?) throws(ChargenError) {
        if let values { try checkRecurrentState(values) }
        try stream.setInitialState(values)
    }
}
