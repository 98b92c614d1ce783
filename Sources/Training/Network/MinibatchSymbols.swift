import Core

/// The symbols of the rows of a minibatch that are here, and where documents begin in them.
final class MinibatchSymbols {
    /// [places].
    let inputs: AlignedBuffer<Int32>
    let targets: AlignedBuffer<Int32>
    /// Where documents begin; nil without labels.
    let starts: LabelStarts?
    private let resetSymbol: Int32?

    /// The places that there is room for.
    var capacity: Int { inputs.count }

    /// Memory for a number of places.
    ///
    /// - Parameters:
    ///   - resetSymbol: The symbol that is read from the initial state; nil for none.
    ///   - starts: Room for where documents begin; nil without labels.
    init(places count: Int, resetSymbol: Int32?, _ starts: LabelStarts?) throws(ChargenError) {
        inputs = try AlignedBuffer(count: count, for: "a minibatch")
        targets = try AlignedBuffer(count: count, for: "a minibatch")
        self.starts = starts
        self.resetSymbol = resetSymbol
    }

    /// Takes a row of a minibatch from the corpus. What is not to be predicted has no target.
    ///
    /// - Parameters:
    ///   - row: The row's number here.
    ///   - dropped: The labels that are left out; nil for none.
    func gather(_ minibatch: Minibatch, from corpus: Corpus, row: Int, _ places: RowPlaces, dropped: DropMask?) {
        var source = Minibatch.Row(positions: 0..<0)
        if let row = places.minibatchRow(row, of: minibatch.rows.count) { source = minibatch.rows[row] }
        let first = places.place(0, row)
        let stride = places.sliceRows
        minibatch.text.copy(
            source.positions, of: corpus, inputs: inputs.pointer + first, targets: targets.pointer + first,
            stride: stride)
        for step in 0..<source.context { targets.pointer[first + step * stride] = OutputLayer.noTarget }
        for step in source.positions.count..<places.time {
            inputs.pointer[first + step * stride] = 0
            targets.pointer[first + step * stride] = OutputLayer.noTarget
        }
        if let starts { noteStarts(starts, minibatch, source.positions, corpus, row, places, dropped) }
    }

    /// Calls `body` with the bytes of all that is known of the first `count` places.
    func forEachBuffer(places count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        body(inputs.bytes(count))
        body(targets.bytes(count))
        starts?.forEachBuffer(places: count, body)
    }

    /// Notes where documents begin in a row: at their first symbol, or where the row begins.
    private func noteStarts(
        _ starts: LabelStarts, _ minibatch: Minibatch, _ positions: Range<Int>, _ corpus: Corpus, _ row: Int,
        _ places: RowPlaces, _ dropped: DropMask?
    ) {
        for step in 0..<places.time {
            let place = places.place(step, row)
            let begins =
                step < positions.count
                && (inputs.pointer[place] == resetSymbol || step == 0 && !minibatch.continuesState)
            guard begins, let labels = corpus.labels else {
                starts.clear(place)
                continue
            }
            let document = labels.document(at: minibatch.text.target(of: positions.lowerBound + step))
            let columns = labels.labels.counts.count
            starts.begin(at: place) { column in
                guard dropped?.drops(row: places.number(step, row) * columns + column) != true,
                    let label = labels.label(ofDocument: document, column: column)
                else { return 0 }
                return labels.labels.row(of: label, in: column)
            }
        }
    }
}
