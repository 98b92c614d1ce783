import Core
import ModelFormat

/// Where documents begin in a minibatch, and from which state: that of no label plus that of each
/// of the document's labels, the hidden state limited to ±1.
final class LabelStarts {
    private let parameters: Parameters
    private let columnCount: Int
    /// [places]: whether a row starts a step from a document's initial state.
    private let isStart: AlignedBuffer<Bool>
    /// [places, columns]: the row of a label's state; 0 for no label.
    private let labelRows: AlignedBuffer<Int32>

    /// Memory for a number of places.
    ///
    /// - Parameter columnCount: The number of label columns.
    init(_ parameters: Parameters, columnCount: Int, places: Int) throws(ChargenError) {
        self.parameters = parameters
        self.columnCount = columnCount
        isStart = try AlignedBuffer(count: places, for: "a minibatch")
        labelRows = try AlignedBuffer(count: places * columnCount, for: "a minibatch")
    }

    /// Whether a document begins at a place.
    func begins(at place: Int) -> Bool { isStart.pointer[place] }

    /// Has no document begin at a place.
    func clear(_ place: Int) {
        isStart.pointer[place] = false
    }

    /// Has a document begin at a place.
    ///
    /// - Parameter row: The row of the state of a column's label; 0 for no label.
    func begin(at place: Int, _ row: (_ column: Int) -> Int) {
        isStart.pointer[place] = true
        for column in 0..<columnCount { labelRows.pointer[place * columnCount + column] = Int32(row(column)) }
    }

    /// Has every document of a text without labels begin from the state of no label.
    func begin(_ symbols: UnsafePointer<Int32>, count: Int, at symbol: Int32?) {
        for place in 0..<count {
            if symbols[place] == symbol { begin(at: place) { _ in 0 } } else { clear(place) }
        }
    }

    /// Calls `body` with the bytes of all that is known of the first `count` places.
    func forEachBuffer(places count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        body(isStart.bytes(count))
        body(labelRows.bytes(count * columnCount))
    }

    /// Writes the initial state of a layer, `width` floats each.
    func write(_ place: Int, layer: Int, hidden: UnsafeMutablePointer<Float>, cells: UnsafeMutablePointer<Float>?) {
        let width = parameters.layout.width
        sum(place, layer, parameters.labelHidden, to: hidden)
        for unit in 0..<width { hidden[unit] = max(min(hidden[unit], 1), -1) }
        if let cells { sum(place, layer, parameters.labelCells, to: cells) }
    }

    private func sum(
        _ place: Int, _ layer: Int, _ rows: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>
    ) {
        let width = parameters.layout.width
        target.update(from: rows + layer * width, count: width)
        forEachLabel(place) { label in
            let row = rows + label * parameters.layout.labelWidth + layer * width
            for unit in 0..<width { target[unit] += row[unit] }
        }
    }

    private func forEachLabel(_ place: Int, _ body: (_ row: Int) -> Void) {
        for column in 0..<columnCount {
            let row = Int(labelRows.pointer[place * columnCount + column])
            if row > 0 { body(row) }
        }
    }

    /// Leaves the gradients of a layer's part of the states, each a sum in the order of the places.
    ///
    /// - Parameters:
    ///   - places: Those of a slice.
    ///   - hidden: The initial hidden states, [places, width], and their gradients likewise.
    ///   - cells: The gradients of the initial cell states likewise; nil without these.
    func setGradients(
        _ gradients: Parameters, layer: Int, places: Range<Int>,
        hidden: (states: UnsafePointer<Float>, gradients: UnsafePointer<Float>), cells: UnsafePointer<Float>?
    ) {
        let (layout, width) = (parameters.layout, parameters.layout.width)
        for row in 0...layout.shape.labelCount {
            let offset = row * layout.labelWidth + layer * width
            (gradients.labelHidden + offset).update(repeating: 0, count: width)
            if cells != nil { (gradients.labelCells + offset).update(repeating: 0, count: width) }
        }
        for place in places where begins(at: place) {
            let state = place * width
            func add(_ row: Int) {
                let offset = row * layout.labelWidth + layer * width
                let target = gradients.labelHidden + offset
                // Where the state is at its limit, it does not follow the sum.
                for unit in 0..<width where abs(hidden.states[state + unit]) < 1 {
                    target[unit] += hidden.gradients[state + unit]
                }
                guard let cells else { return }
                let cellTarget = gradients.labelCells + offset
                for unit in 0..<width { cellTarget[unit] += cells[state + unit] }
            }
            add(0)
            forEachLabel(place, add)
        }
    }
}
