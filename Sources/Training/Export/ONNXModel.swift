import Core
import Foundation
import ModelFormat

/// One step of a model as an ONNX file (onnx.ai/onnx/repo-docs/IR.html).
///
///     symbol [batch] → OneHot → RNN, GRU or LSTM, a node for each layer → Gemm → logits [batch, V]
///     hidden, cell [layers, batch, hidden size] → Split …           Concat → new_hidden, new_cell
///
/// The file's metadata has a ``ModelDescription`` under the key `chargen`.
struct ONNXModel {
    private let model: TrainedModel
    private var graph = ProtobufMessage()

    /// The first bytes of each file, by which it is known as chargen's.
    static let beginning: Data = {
        var file = ProtobufMessage()
        file.add(ModelField.version, 8)
        file.add(ModelField.producer, "chargen")
        return file.bytes
    }()

    /// The bytes of a model's file.
    ///
    /// - Throws: `ChargenError` for a model of more than the 2 GB that an ONNX file holds.
    static func encode(_ model: TrainedModel) throws -> Data {
        guard model.shape.parameterCount < 1 << 28 else {
            throw ChargenError(.invalidArgument, "the model is too large for an ONNX file, which holds less than 2 GB")
        }
        return try ONNXModel(model).encoded()
    }

    private init(_ model: TrainedModel) {
        self.model = model
    }

    private func encoded() throws -> Data {
        var builder = self
        builder.addStep()
        var operators = ProtobufMessage()
        operators.add(2, 17)
        var description = ProtobufMessage()
        description.add(1, "chargen")
        description.add(2, try JSON.string(ModelDescription(model)))
        var file = ProtobufMessage()
        file.add(ModelField.version, 8)
        file.add(ModelField.producer, "chargen")
        file.add(ModelField.producerVersion, chargenVersion)
        file.add(ModelField.graph, builder.graph)
        file.add(ModelField.operators, operators)
        file.add(ModelField.metadata, description)
        return file.bytes
    }

    // MARK: - The graph

    private mutating func addStep() {
        let shape = model.shape
        let layers = 0..<shape.layers
        let states = shape.cell.hasCellState ? ["hidden", "cell"] : ["hidden"]
        graph.add(GraphField.name, "step")
        addInput("symbol", .int64, [nil])
        for state in states {
            addInput(state, .float, [shape.layers, nil, shape.hiddenSize])
            addNode("Split", [state], layers.map { "\(state)_\($0)" })
        }
        addConstant("symbols", [], integers: [shape.vocabularySize])
        addConstant("cold_hot", [2], floats: [0, 1])
        addConstant("first_axis", [1], integers: [0])
        addNode("OneHot", ["symbol", "symbols", "cold_hot"], ["one_hot"])
        addNode("Unsqueeze", ["one_hot", "first_axis"], ["input_0"])
        for layer in layers { addLayer(layer, states) }
        let top = shape.layers * ModelShape.tensorsPerLayer
        let (weight, bias) = (shape.tensor(top).name, shape.tensor(top + 1).name)
        addConstant(weight, [shape.vocabularySize, shape.hiddenSize], floats: model.tensors[top])
        addConstant(bias, [shape.vocabularySize], floats: model.tensors[top + 1])
        addNode("Squeeze", ["new_hidden_\(shape.layers - 1)", "first_axis"], ["top"])
        addNode("Gemm", ["top", weight, bias], ["logits"], attributes: [("transB", 1)])
        addOutput("logits", .float, [nil, shape.vocabularySize])
        for state in states {
            addNode("Concat", layers.map { "new_\(state)_\($0)" }, ["new_\(state)"], attributes: [("axis", 0)])
            addOutput("new_\(state)", .float, [shape.layers, nil, shape.hiddenSize])
        }
    }

    /// A layer, whose output is its new hidden state, as there is one time step.
    private mutating func addLayer(_ layer: Int, _ states: [String]) {
        let shape = model.shape
        let first = layer * ModelShape.tensorsPerLayer
        let (input, hidden) = (shape.tensor(first), shape.tensor(first + 1))
        let (inputBias, hiddenBias) = (model.tensors[first + 2], model.tensors[first + 3])
        addConstant(input.name, [1, input.rows, input.columns], floats: reordered(model.tensors[first]))
        addConstant(hidden.name, [1, hidden.rows, hidden.columns], floats: reordered(model.tensors[first + 1]))
        addConstant("rnn.bias_l\(layer)", [1, 2 * input.rows], floats: reordered(inputBias) + reordered(hiddenBias))
        var attributes = [("hidden_size", shape.hiddenSize)]
        if shape.cell == .gru { attributes.append(("linear_before_reset", 1)) }
        addNode(
            shape.cell.name.description.uppercased(),
            [layer == 0 ? "input_0" : "new_hidden_\(layer - 1)", input.name, hidden.name, "rnn.bias_l\(layer)", ""]
                + states.map { "\($0)_\(layer)" },
            [""] + states.map { "new_\($0)_\(layer)" }, attributes: attributes)
    }

    /// The rows of a layer's matrix or bias in ONNX' order of the gates: z, r, n of a GRU, i, o, f,
    /// g of an LSTM.
    private func reordered(_ elements: [Float]) -> [Float] {
        let order =
            switch model.shape.cell {
            case .rnn: [0]
            case .gru: [1, 0, 2]
            case .lstm: [0, 3, 1, 2]
            }
        let block = elements.count / order.count
        return order.flatMap { elements[$0 * block..<($0 + 1) * block] }
    }

    // MARK: - Messages

    // The numbers of onnx.proto.
    private enum ModelField {
        static let version: UInt64 = 1
        static let producer: UInt64 = 2
        static let producerVersion: UInt64 = 3
        static let graph: UInt64 = 7
        static let operators: UInt64 = 8
        static let metadata: UInt64 = 14
    }

    private enum GraphField {
        static let node: UInt64 = 1
        static let name: UInt64 = 2
        static let constant: UInt64 = 5
        static let input: UInt64 = 11
        static let output: UInt64 = 12
    }

    private enum ElementKind: Int {
        case float = 1
        case int64 = 7
    }

    /// Adds a node whose attributes are integers.
    private mutating func addNode(
        _ operation: String, _ inputs: [String], _ outputs: [String], attributes: [(name: String, value: Int)] = []
    ) {
        var node = ProtobufMessage()
        for input in inputs { node.add(1, input) }
        for output in outputs { node.add(2, output) }
        node.add(4, operation)
        for (name, value) in attributes {
            var attribute = ProtobufMessage()
            attribute.add(1, name)
            attribute.add(3, value)
            // The type INT.
            attribute.add(20, 2)
            node.add(5, attribute)
        }
        graph.add(GraphField.node, node)
    }

    private mutating func addConstant(_ name: String, _ sizes: [Int], floats: [Float]) {
        addConstant(name, .float, sizes, floats.withUnsafeBytes { Data($0) })
    }

    private mutating func addConstant(_ name: String, _ sizes: [Int], integers: [Int]) {
        addConstant(name, .int64, sizes, integers.withUnsafeBytes { Data($0) })
    }

    private mutating func addConstant(_ name: String, _ kind: ElementKind, _ sizes: [Int], _ elements: Data) {
        var tensor = ProtobufMessage()
        for size in sizes { tensor.add(1, size) }
        tensor.add(2, kind.rawValue)
        tensor.add(8, name)
        tensor.add(9, elements)
        graph.add(GraphField.constant, tensor)
    }

    private mutating func addInput(_ name: String, _ kind: ElementKind, _ sizes: [Int?]) {
        graph.add(GraphField.input, value(name, kind, sizes))
    }

    private mutating func addOutput(_ name: String, _ kind: ElementKind, _ sizes: [Int?]) {
        graph.add(GraphField.output, value(name, kind, sizes))
    }

    /// The description of an input or output; a size of nil is that of the batch.
    private func value(_ name: String, _ kind: ElementKind, _ sizes: [Int?]) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for size in sizes {
            var dimension = ProtobufMessage()
            if let size { dimension.add(1, size) } else { dimension.add(2, "batch") }
            shape.add(1, dimension)
        }
        var tensor = ProtobufMessage()
        tensor.add(1, kind.rawValue)
        tensor.add(2, shape)
        var type = ProtobufMessage()
        type.add(1, tensor)
        var value = ProtobufMessage()
        value.add(1, name)
        value.add(2, type)
        return value
    }
}
