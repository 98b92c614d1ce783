import Core
import ModelFormat

/// All numbers of a model in one flat buffer: its parameters, or something with a number for each,
/// such as gradients.
final class Parameters {
    let layout: ParameterLayout
    private let buffer: AlignedBuffer<Float>

    /// All zeros.
    init(_ layout: ParameterLayout) throws(ChargenError) {
        self.layout = layout
        buffer = try AlignedBuffer(count: layout.count, for: "the model's parameters")
    }

    var pointer: UnsafeMutablePointer<Float> { buffer.pointer }
    var count: Int { buffer.count }

    /// Becomes equal to others of the same layout.
    func copy(_ other: Parameters) {
        pointer.update(from: other.pointer, count: count)
    }

    /// Exchanges all numbers with others of the same layout.
    func swap(_ other: Parameters) {
        for index in 0..<count { (pointer[index], other.pointer[index]) = (other.pointer[index], pointer[index]) }
    }

    /// Sets everything to zero.
    func clear() {
        pointer.update(repeating: 0, count: count)
    }

    /// Copies a tensor's elements, row after row, without padding.
    func copyTensor(_ index: Int, to elements: UnsafeMutableBufferPointer<Float>) {
        let tensor = layout.shape.tensor(index)
        for row in 0..<tensor.rows {
            for column in 0..<tensor.columns {
                elements[row * tensor.columns + column] = pointer[layout.place(of: index, row: row, column: column)]
            }
        }
    }

    /// A tensor's elements, row after row, without padding.
    func tensor(_ index: Int) -> [Float] {
        let count = layout.shape.tensor(index).count
        return [Float](unsafeUninitializedCapacity: count) { elements, initialised in
            copyTensor(index, to: elements)
            initialised = count
        }
    }

    /// Every tensor in ``ModelShape/tensor(_:)``'s order.
    var tensors: [[Float]] {
        (0..<layout.shape.tensorCount).map { tensor($0) }
    }

    /// Replaces a tensor by `elements`, as many as it has.
    func setTensor(_ index: Int, _ elements: [Float]) {
        let tensor = layout.shape.tensor(index)
        precondition(elements.count == tensor.count, "tensor \(tensor.name) has \(tensor.count) elements")
        for row in 0..<tensor.rows {
            for column in 0..<tensor.columns {
                pointer[layout.place(of: index, row: row, column: column)] = elements[row * tensor.columns + column]
            }
        }
    }

    /// Draws every parameter uniformly from ±`range`, but for the states of labels, which are
    /// left as they are; then sets an LSTM's forget gate's bias, if one is given.
    ///
    /// A forget bias of 1 lets a fresh cell remember (Jozefowicz, Zaremba and Sutskever 2015). Of
    /// the two biases of PyTorch's cells the first takes the value and the second becomes zero.
    func initialise(range: Float, forgetBias: Float?, random: inout SplitMix64) {
        for index in 0..<layout.shape.labelHidden {
            let tensor = layout.shape.tensor(index)
            // In place: an array would end the process if there is not enough memory.
            for row in 0..<tensor.rows {
                for column in 0..<tensor.columns {
                    pointer[layout.place(of: index, row: row, column: column)] =
                        (Float(random.next() >> 40) * 0x1p-23 - 1) * range
                }
            }
            guard let forgetBias, layout.shape.cell == .lstm, [.inputBias, .hiddenBias].contains(tensor.role) else {
                continue
            }
            for unit in 0..<layout.shape.hiddenSize {
                let row = GateLayout.forgetGate * layout.shape.hiddenSize + unit
                pointer[layout.place(of: index, row: row, column: 0)] = tensor.role == .inputBias ? forgetBias : 0
            }
        }
        if layout.shape.labelCount > 0 { keepStates() }
    }

    /// Has an eighth of the units of each layer keep their states for about a thousand steps at
    /// first, so that what documents begin from is not soon forgotten: by the biases of the forget
    /// and input gates of an LSTM or the update gate of a GRU (after Tallec and Ollivier 2018).
    /// Nothing for a simple RNN, which has no gates.
    private func keepStates() {
        let shape = layout.shape
        let gates: [(gate: Int, bias: Float)] =
            switch shape.cell {
            case .rnn: []
            case .gru: [(GateLayout.updateGate, 7)]
            case .lstm: [(GateLayout.inputGate, -7), (GateLayout.forgetGate, 7)]
            }
        for layer in 0..<shape.layers {
            let index = layer * ModelShape.tensorsPerLayer + 2
            var biases = tensor(index)
            for (gate, bias) in gates {
                for unit in shape.hiddenSize - shape.hiddenSize / 8..<shape.hiddenSize {
                    biases[gate * shape.hiddenSize + unit] = bias
                }
            }
            setTensor(index, biases)
        }
    }

    /// The pointers of a layer's tensors.
    func layer(_ layer: Int) -> LayerParameters {
        let first = layer * ModelShape.tensorsPerLayer
        return LayerParameters(
            inputWeights: pointer + layout.offsets[first],
            hiddenWeights: pointer + layout.offsets[first + 1],
            inputBias: pointer + layout.offsets[first + 2],
            hiddenBias: pointer + layout.offsets[first + 3],
            symbolCount: layer == 0 ? layout.shape.vocabularySize : 0)
    }

    /// The output layer's weights, [outputWidth, width].
    var outputWeights: UnsafeMutablePointer<Float> {
        pointer + layout.offsets[layout.shape.outputWeight]
    }

    /// The output layer's biases, [outputWidth].
    var outputBias: UnsafeMutablePointer<Float> {
        pointer + layout.offsets[layout.shape.outputWeight + 1]
    }

    /// The initial hidden states of labels, [1 + labels, labelWidth].
    var labelHidden: UnsafeMutablePointer<Float> {
        pointer + layout.offsets[layout.shape.labelHidden]
    }

    /// The initial cell states of labels, likewise.
    var labelCells: UnsafeMutablePointer<Float> {
        pointer + layout.offsets[layout.shape.labelHidden + 1]
    }
}

/// A recurrent layer's tensors, or their gradients, in the flat buffer. G is the number of gates;
/// those of the input come in the order of the blocks that they add to
/// (``GateLayout/inputBlock(ofGate:)``).
struct LayerParameters {
    /// [V, G·width] in the first layer, [G·width, width] in the others.
    let inputWeights: UnsafeMutablePointer<Float>
    /// [G·width, width].
    let hiddenWeights: UnsafeMutablePointer<Float>
    /// [G·width].
    let inputBias: UnsafeMutablePointer<Float>
    /// [G·width].
    let hiddenBias: UnsafeMutablePointer<Float>
    /// V in the first layer.
    let symbolCount: Int
}
