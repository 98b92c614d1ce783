import Core
import KernelDispatch

/// The mean and the covariance of a layer's hidden state while the network reads a text.
struct HiddenStatistics {
    /// The mean of each unit.
    var mean: [Double]
    /// The covariance of each pair of units, row after row; below the diagonal it is 0.
    var covariance: [Double]

    /// The statistics of a state that is always 0.
    init(units: Int) {
        mean = [Double](repeating: 0, count: units)
        covariance = [Double](repeating: 0, count: units * units)
    }

    /// The statistics of each layer. Those of an empty text are zeros.
    ///
    /// - Parameters:
    ///   - text: Rows of symbols, all of the same length; the network reads each from the start
    ///     state.
    ///   - resetSymbol: The symbol that is read from the initial state; nil for none.
    /// - Throws: `invalidArgument` when the weights are so large that a state is NaN; `fileAccess`
    ///   without OpenBLAS; `outOfMemory`.
    static func layers(
        of parameters: Parameters, reading text: [[Int]], resetSymbol: Int?
    ) throws(ChargenError) -> [HiddenStatistics] {
        let openBLAS = try OpenBLAS.shared
        // The states are the same with every backend.
        let backend = Backend.chosen() ?? .portable
        let kernels = backend.trainingKernels()
        let layout = parameters.layout
        let rows = text.count
        let symbols = try AlignedBuffer<Int32>(count: rows, for: "a minibatch")
        let scratch = try AlignedBuffer<Float>(count: 0, for: "a minibatch")
        let starts =
            layout.shape.labelCount > 0 ? try LabelStarts(parameters, columnCount: 1, places: rows) : nil
        // One time step at a time: a large model's states of a whole text would take gigabytes.
        let places = RowPlaces(sliceRows: rows, time: 1)
        var layers: [RecurrentLayer] = []
        var weights: [LayerWeights] = []
        for index in 0..<layout.shape.layers {
            layers.append(
                try RecurrentLayer(
                    cell: layout.shape.cell, index: index, width: layout.width, symbols: symbols.pointer, places,
                    Activations.Options(resetSymbol: resetSymbol, dropout: Dropout(), starts: starts), backend,
                    kernels))
            let layer = try LayerWeights(
                parameters.layer(index), cell: layout.shape.cell, width: layout.width, index: index, drops: false)
            for chunk in 0..<layer.chunks { layer.pack(chunk: chunk, nil, kernels) }
            weights.append(layer)
        }
        var statistics = layers.map { _ in HiddenStatistics(units: layout.shape.hiddenSize) }
        let steps = text.first?.count ?? 0
        for step in 0..<steps {
            for row in 0..<rows { symbols.pointer[row] = Int32(text[row][step]) }
            starts?.begin(symbols.pointer, count: rows, at: resetSymbol.map { Int32($0) })
            var input = RecurrentLayer.Input.symbols(symbols.pointer)
            for (index, layer) in layers.enumerated() {
                layer.forward(weights[index], input: input, rows: 0..<rows, scratch: scratch.pointer)
                statistics[index].add(layer.output, rows: rows, stride: layout.width, openBLAS)
                input = .hidden(layer.output)
            }
            for layer in layers { layer.continueFromOutput() }
        }
        for index in statistics.indices { statistics[index].finish(states: rows * steps) }
        guard statistics.allSatisfy({ $0.mean.allSatisfy(\.isFinite) }) else {
            throw ChargenError(.invalidArgument, "the weights are too large: a hidden state is NaN")
        }
        return statistics
    }

    /// Adds some states and the products of their units to the sums.
    private mutating func add(_ states: UnsafePointer<Float>, rows: Int, stride: Int, _ openBLAS: OpenBLAS) {
        let units = mean.count
        var block = [Double](repeating: 0, count: rows * units)
        for row in 0..<rows {
            for unit in 0..<units {
                let state = Double(states[row * stride + unit])
                block[row * units + unit] = state
                mean[unit] += state
            }
        }
        // In 64 bits: the difference from the product of means may be small in comparison.
        openBLAS.addSquare(of: block, columns: units, to: &covariance)
    }

    /// Turns the sums over `states` states into the mean and the covariance; with no state they
    /// stay 0.
    private mutating func finish(states: Int) {
        let units = mean.count
        let count = Double(max(states, 1))
        for unit in 0..<units { mean[unit] /= count }
        for row in 0..<units {
            for column in row..<units {
                let place = row * units + column
                covariance[place] = covariance[place] / count - mean[row] * mean[column]
            }
        }
    }
}

extension RecurrentLayer {
    /// Makes the state after a single time step the state before the next.
    fileprivate func continueFromOutput() {
        let count = places.rows * width
        hidden.pointer.update(from: hidden.pointer + count, count: count)
        if cell.hasCellState { cells.pointer.update(from: cells.pointer + count, count: count) }
    }
}
