import CSupport
import KernelDispatch
import Kernels
import ModelFormat

/// A model's recurrent state and the memory of a step.
struct Network {
    private let model: Model
    private let width: Int
    /// The hidden state of each layer, one after the other; an LSTM's cell state after it.
    private let hidden: AlignedBuffer<Float>
    private let cells: AlignedBuffer<Float>
    private let sums: AlignedBuffer<Float>
    private let cellTangent: AlignedBuffer<Float>
    private let logitBuffer: AlignedBuffer<Float>
    private var logitsAreCurrent = false

    /// Whether no symbol has been read yet.
    private(set) var isAtBeginning = true

    init(_ model: Model) throws(ModelError) {
        let shape = model.shape
        self.model = model
        width = padded(shape.hiddenSize)
        hidden = try AlignedBuffer(count: shape.layers * width, for: "a session")
        cells = try AlignedBuffer(count: shape.cell == .lstm ? shape.layers * width : 0, for: "a session")
        sums = try AlignedBuffer(count: Layer.blockCount(of: shape.cell) * width, for: "a session")
        cellTangent = try AlignedBuffer(count: width, for: "a session")
        logitBuffer = try AlignedBuffer(count: padded(shape.vocabularySize), for: "a session")
    }

    /// Goes back to the state before the first symbol.
    mutating func reset() {
        hidden.pointer.update(repeating: 0, count: hidden.count)
        cells.pointer.update(repeating: 0, count: cells.count)
        logitsAreCurrent = false
        isAtBeginning = true
    }

    /// One time step: reads `symbol`, which the vocabulary has.
    mutating func advance(_ symbol: Int) {
        for layer in 0..<model.shape.layers {
            advanceLayer(layer, symbol)
        }
        logitsAreCurrent = false
        isAtBeginning = false
    }

    private func advanceLayer(_ index: Int, _ symbol: Int) {
        let cell = model.shape.cell
        let columns = model.shape.hiddenSize
        let layer = model.layers[index]
        let sums = sums.pointer
        let state = hidden.pointer + index * width
        if let inputWeights = layer.inputWeights {
            sums.update(from: layer.initialSums.pointer, count: self.sums.count)
            let rows = cell.gateCount * width
            model.backend.addMatrixVector(inputWeights.pointer, rows, columns, state - width, sums)
        } else {
            sums.update(from: layer.initialSums.pointer + symbol * self.sums.count, count: self.sums.count)
        }
        let hiddenSums = sums + Layer.firstHiddenBlock(of: cell) * width
        model.backend.addMatrixVector(layer.hiddenWeights.pointer, cell.gateCount * width, columns, state, hiddenSums)
        switch cell {
        case .rnn:
            model.backend.hyperbolicTangent(sums, width)
            state.update(from: sums, count: width)
        case .gru:
            let (candidate, reset, update) = (sums, sums + width, sums + 2 * width)
            model.backend.gruStep(reset, update, candidate, sums + 3 * width, state, state, width)
        case .lstm:
            let cellState = cells.pointer + index * width
            model.backend.lstmStep(sums, cellState, cellState, cellTangent.pointer, state, width)
        }
    }

    /// The logits of the next symbol, in a buffer padded to whole vectors.
    mutating func logits() -> UnsafeMutablePointer<Float> {
        let logits = logitBuffer.pointer
        if !logitsAreCurrent {
            logits.update(from: model.output.bias.pointer, count: logitBuffer.count)
            let last = hidden.pointer + (model.shape.layers - 1) * width
            model.backend.addMatrixVector(
                model.output.weights.pointer, logitBuffer.count, model.shape.hiddenSize, last, logits)
            logitsAreCurrent = true
        }
        return logits
    }

    /// The integer weights of the symbols, and their sum.
    mutating func takeWeights(
        inverseTemperature: Float, into weights: UnsafeMutablePointer<UInt32>
    ) -> UInt64 {
        // The kernel leaves exponentials where the logits were.
        defer { logitsAreCurrent = false }
        return model.backend.sampleWeights(logits(), model.shape.vocabularySize, inverseTemperature, weights)
    }

    /// The natural logarithm of a symbol's probability.
    mutating func logProbability(of symbol: Int) -> Double {
        let logits = logits()
        let count = model.shape.vocabularySize
        let maximum = logits[indexOfMaximum(logits, count: count)]
        let logit = Double(logits[symbol]) - Double(maximum)
        // The padding may exceed the maximum. With the arguments in this order, a NaN stays one.
        for index in 0..<logitBuffer.count { logits[index] = min(logits[index] - maximum, 0) }
        model.backend.exponential(logits, logitBuffer.count)
        logitsAreCurrent = false
        var sum = 0.0
        for index in 0..<count { sum += Double(logits[index]) }
        return logit - log(sum)
    }
}
