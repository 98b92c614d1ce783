import Foundation
import ModelFormat
import TestSupport

/// A model in Double, after the formulas of PyTorch's documentation of `torch.nn.RNN`, `GRU` and
/// `LSTM`. It shares nothing with the engine but the file. Where the file has integers, a product
/// reads the hidden state in 64ths.
struct ReferenceNetwork {
    private let shape: ModelShape
    private let tensors: [[Double]]
    /// Whether a tensor is int8 or int4.
    private let isInteger: [Bool]
    private var hidden: [[Double]]
    private var cells: [[Double]]

    init(_ bytes: [UInt8]) throws {
        shape = try bytes.withUnsafeBytes { try ModelFile($0).shape }
        tensors = try modelTensors(bytes).map { $0.map(Double.init) }
        isInteger = try encodedTensors(bytes).map {
            switch $0 {
            case .int8, .int4: true
            case .float32, .bfloat16: false
            }
        }
        hidden = Array(repeating: Array(repeating: 0, count: shape.hiddenSize), count: shape.layers)
        cells = hidden
    }

    /// W·x + b.
    private func linear(_ weight: Int, _ x: [Double], _ bias: Int) -> [Double] {
        // The one-hot input of the first layer is not rounded: it holds ones and zeros.
        let x = isInteger[weight] ? x.map { ($0 * 64).rounded(.toNearestOrEven) / 64 } : x
        return tensors[bias].indices.map { row in
            x.indices.reduce(tensors[bias][row]) { $0 + tensors[weight][row * x.count + $1] * x[$1] }
        }
    }

    /// Reads a symbol.
    mutating func advance(_ symbol: Int) {
        var x = [Double](repeating: 0, count: shape.vocabularySize)
        x[symbol] = 1
        for layer in 0..<shape.layers {
            let fromInput = linear(4 * layer, x, 4 * layer + 2)
            let fromHidden = linear(4 * layer + 1, hidden[layer], 4 * layer + 3)
            let size = shape.hiddenSize
            func sum(_ gate: Int, _ unit: Int) -> Double {
                fromInput[gate * size + unit] + fromHidden[gate * size + unit]
            }
            x = (0..<size).map { unit in
                switch shape.cell {
                case .rnn:
                    return tanh(sum(0, unit))
                case .gru:
                    let r = sigmoid(sum(0, unit))
                    let z = sigmoid(sum(1, unit))
                    let n = tanh(fromInput[2 * size + unit] + r * fromHidden[2 * size + unit])
                    return (1 - z) * n + z * hidden[layer][unit]
                case .lstm:
                    let (i, f, o) = (sigmoid(sum(0, unit)), sigmoid(sum(1, unit)), sigmoid(sum(3, unit)))
                    cells[layer][unit] = f * cells[layer][unit] + i * tanh(sum(2, unit))
                    return o * tanh(cells[layer][unit])
                }
            }
            hidden[layer] = x
        }
    }

    /// The logits of the next symbol.
    var logits: [Double] {
        linear(4 * shape.layers, hidden[shape.layers - 1], 4 * shape.layers + 1)
    }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
