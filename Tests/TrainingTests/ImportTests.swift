import Core
import Foundation
import ModelFormat
import TestSupport
import Testing

@testable import Training

@Suite("Importing PyTorch's networks")
struct ImportTests {
    /// Tensors with the shapes of a network, and its characters in an order that is not chargen's.
    private struct Network {
        var file = Safetensors()
        var vocabulary = #"["c", "a", "\n", "b"]"#
        private var random = SplitMix64(seed: 1)

        init(_ cell: Cell = .lstm, layers: Int = 2, hiddenSize: Int = 3, embedding: Int? = nil, prefix: String = "") {
            let rows = cell.gates.gateCount * hiddenSize
            for layer in 0..<layers {
                add("\(prefix)lstm.weight_ih_l\(layer)", [rows, layer == 0 ? embedding ?? 4 : hiddenSize])
                add("\(prefix)lstm.weight_hh_l\(layer)", [rows, hiddenSize])
                add("\(prefix)lstm.bias_ih_l\(layer)", [rows])
                add("\(prefix)lstm.bias_hh_l\(layer)", [rows])
            }
            add("\(prefix)out.weight", [4, hiddenSize])
            add("\(prefix)out.bias", [4])
            if let embedding { add("\(prefix)emb.weight", [4, embedding]) }
        }

        mutating func add(_ name: String, _ shape: [Int]) {
            let elements = (0..<shape.reduce(1, *)).map { _ in Float(Int(random.next() >> 56)) / 64 - 2 }
            file.tensors[name] = .init(shape: shape, elements: elements)
        }

        func elements(_ name: String) -> [Float] { file.tensors[name]?.elements ?? [] }

        func model() throws -> TrainedModel { try ImportTests.model(try file.encoded(), vocabulary) }
    }

    private static func model(_ weights: Data, _ vocabulary: String) throws -> TrainedModel {
        var model: TrainedModel?
        try withTemporaryFolder { folder in
            let paths = ["weights.safetensors", "chars.json"].map { folder.path + "/" + $0 }
            try weights.write(to: URL(fileURLWithPath: paths[0]))
            try Data(vocabulary.utf8).write(to: URL(fileURLWithPath: paths[1]))
            model = try ImportedNetwork(weights: paths[0], vocabulary: paths[1]).model
        }
        return try #require(model)
    }

    /// The message of the error that is thrown, without the folder of the file.
    private func message(_ body: () throws -> Void) throws -> String {
        let error = #expect(throws: TrainingError.self, performing: body)
        return try #require(error).description
    }

    // MARK: - Networks

    @Test("the shapes decide the cell, the layers and the sizes, whatever the names", arguments: Cell.allCases)
    func shapes(cell: Cell) throws {
        for (layers, prefix) in [(1, ""), (3, "module.model.")] {
            let network = Network(cell, layers: layers, hiddenSize: 5, prefix: prefix)
            let model = try network.model()
            #expect(model.shape == ModelShape(cell: cell, layers: layers, hiddenSize: 5, vocabularySize: 4))
            for index in 1..<model.shape.tensorCount - 2 {
                let name = model.shape.tensor(index).name.replacing("rnn.", with: prefix + "lstm.")
                #expect(model.tensors[index] == network.elements(name), "\(name)")
            }
        }
    }

    @Test("the symbols get chargen's order")
    func order() throws {
        let network = Network(.rnn, layers: 1, hiddenSize: 2)
        let model = try network.model()
        #expect(model.vocabulary.characters == Array("\nabc".unicodeScalars.map(\.value)))
        // The network's index of each of chargen's symbols.
        let indices = [2, 1, 3, 0]
        let (input, output) = (network.elements("lstm.weight_ih_l0"), network.elements("out.weight"))
        #expect(model.tensors[0] == [indices.map { input[$0] }, indices.map { input[4 + $0] }].flatMap { $0 })
        #expect(model.tensors[4] == indices.flatMap { [output[2 * $0], output[2 * $0 + 1]] })
        #expect(model.tensors[5] == indices.map { network.elements("out.bias")[$0] })
    }

    @Test("an embedding is multiplied into the first matrix", arguments: [1, 3, 4, 6])
    func embedding(size: Int) throws {
        let network = Network(.gru, layers: 1, hiddenSize: 3, embedding: size)
        let model = try network.model()
        let (matrix, vectors) = (network.elements("lstm.weight_ih_l0"), network.elements("emb.weight"))
        // The elements are multiples of 1/64 below 2, so that products and sums are exact.
        for row in 0..<9 {
            for (symbol, index) in [2, 1, 3, 0].enumerated() {
                let product = (0..<size).map { matrix[row * size + $0] * vectors[index * size + $0] }.reduce(0, +)
                #expect(model.tensors[0][row * 4 + symbol] == product)
            }
        }
    }

    @Test("biases that a network does not have are zero")
    func biases() throws {
        var network = Network(.gru, layers: 2)
        network.file.tensors = network.file.tensors.filter { !$0.key.contains("bias") }
        let model = try network.model()
        for index in 0..<model.shape.tensorCount where model.shape.tensor(index).isBias {
            #expect(model.tensors[index] == [Float](repeating: 0, count: model.shape.tensor(index).count))
        }
    }

    @Test("an embedding like the linear module, both without a bias, is known by its name")
    func similarModules() throws {
        var network = Network(.rnn, layers: 1, hiddenSize: 3, embedding: 3)
        network.file.tensors["out.bias"] = nil
        #expect(try network.model().tensors[5] == [0, 0, 0, 0])
        network.file.tensors["first.weight"] = network.file.tensors.removeValue(forKey: "emb.weight")
        #expect(try message { _ = try network.model() }.contains("'first.weight' [4, 3], 'out.weight' [4, 3]: either"))
    }

    @Test("floats of 16 and 64 bits are read")
    func types() throws {
        func model(_ type: String, _ element: (Float) -> [UInt8]) throws -> TrainedModel {
            let network = Network(.rnn, layers: 1, hiddenSize: 1)
            var header: [String: Any] = [:]
            var data = Data()
            for (name, tensor) in network.file.tensors.sorted(by: { $0.key < $1.key }) {
                let start = data.count
                for value in tensor.elements { data.append(contentsOf: element(value)) }
                header[name] = ["dtype": type, "shape": tensor.shape, "data_offsets": [start, data.count]]
            }
            let json = try JSONSerialization.data(withJSONObject: header)
            return try Self.model(
                withUnsafeBytes(of: UInt64(json.count)) { Data($0) } + json + data, network.vocabulary)
        }
        func bytes(_ value: some Any) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
        let expected = try Network(.rnn, layers: 1, hiddenSize: 1).model().tensors
        // Eight bits of mantissa suffice for the elements.
        #expect(try model("F64") { bytes(Double($0)) }.tensors == expected)
        #expect(try model("F16") { bytes(Float16($0)) }.tensors == expected)
        #expect(try model("BF16") { bytes(UInt16($0.bitPattern >> 16)) }.tensors == expected)
        let refusal = try message { _ = try model("I32") { bytes(Int32($0)) } }
        #expect(refusal.contains("tensor 'lstm.bias_hh_l0' has the type I32"))
    }

    // MARK: - Faults

    /// A change to a network, and what the message says of it.
    struct Fault: CustomTestStringConvertible, Sendable {
        let message: String
        let change: @Sendable (inout [String: Safetensors.Tensor]) -> Void
        var testDescription: String { message }

        init(_ message: String, _ change: @escaping @Sendable (inout [String: Safetensors.Tensor]) -> Void) {
            self.message = message
            self.change = change
        }

        /// Another tensor.
        init(adding name: String, _ shape: [Int], _ message: String) {
            self.init("tensor '\(name)' \(message)") { tensors in
                tensors[name] = .init(shape: shape, elements: [Float](repeating: 0, count: shape.reduce(1, *)))
            }
        }

        /// A tensor in another shape.
        init(_ name: String, _ shape: [Int], _ message: String) {
            self.init(adding: name, shape, "has the shape \(shape)\(message)")
        }

        init(removing name: String) {
            self.init("tensor '\(name)' is missing") { $0[name] = nil }
        }
    }

    static let faults = [
        Fault(adding: "lstm.weight_ih_l0_reverse", [12, 4], "is of a second direction"),
        Fault(adding: "lstm.weight_hr_l0", [2, 3], "is of a projection"),
        Fault(adding: "norm.running_mean", [3], "is of a normalisation"),
        Fault(adding: "norm.weight", [3], "is of a normalisation"),
        Fault(adding: "lstm.weight_ih_l01", [12, 3], "belongs to nothing that a model has"),
        Fault(adding: "attention.in_proj_weight", [9, 3], "belongs to nothing"),
        Fault(adding: "lstm.weight_ih_l9999999999", [9, 3], "belongs to nothing"),
        Fault("more than one recurrent module: tensors 'lstm.weight_hh_l0', 'lstm2.weight_hh_l0'") { tensors in
            tensors["lstm2.weight_ih_l0"] = tensors["lstm.weight_ih_l1"]
        },
        Fault("it has no tensor 'weight_ih_l0'") { $0 = $0.filter { !$0.key.hasPrefix("lstm.") } },
        Fault("it has no tensor 'weight' of a Linear") { $0 = $0.filter { !$0.key.hasPrefix("out.") } },
        Fault("tensors 'hidden.weight' [3, 3], 'out.weight' [4, 3] are not those of an Embedding [4, 4]") { tensors in
            tensors["hidden.weight"] = .init(shape: [3, 3], elements: [Float](repeating: 0, count: 9))
        },
        Fault("lstm.weight_hh_l0", [6, 3], "; that of an RNN, a GRU or an LSTM has 1, 3 or 4 times"),
        Fault("lstm.weight_hh_l0", [12, 0], "; that of"),
        Fault("lstm.weight_hh_l0", [36], "; that of"),
        Fault("lstm.weight_ih_l0", [12, 5], ", and needs [12, 4] for 4 symbols of the vocabulary and 3 units"),
        Fault("lstm.weight_ih_l1", [12, 4], ", and needs [12, 3]"),
        Fault("lstm.weight_hh_l1", [12, 2], ", and needs [12, 3]"),
        Fault("lstm.bias_hh_l1", [3], ", and needs [12]"),
        Fault("out.weight", [5, 3], ", and needs [4, 3]"),
        Fault("out.bias", [3], ", and needs [4]"),
        Fault(removing: "lstm.weight_hh_l0"), Fault(removing: "lstm.weight_ih_l1"), Fault(removing: "lstm.bias_hh_l0"),
        Fault("it has 101 layers of 3 units and 4 symbols; a model has at most 64 layers") { tensors in
            tensors["lstm.weight_ih_l100"] = tensors["lstm.weight_ih_l1"]
        },
        Fault("tensor 'lstm.bias_ih_l1' has a value that is not finite") { $0["lstm.bias_ih_l1"]?.elements[3] = .nan },
        Fault("tensor 'out.weight' has a value that is not finite") { $0["out.weight"]?.elements[0] = .infinity },
    ]

    @Test("a network that does not fit is refused with the name of the tensor", arguments: faults)
    func fault(fault: Fault) throws {
        var network = Network()
        fault.change(&network.file.tensors)
        let message = try message { _ = try network.model() }
        #expect(message.contains("weights.safetensors': ") && message.contains(fault.message), "\(message)")
    }

    @Test("an embedding and a first matrix whose product is too large are named")
    func overflow() throws {
        var network = Network(.rnn, layers: 1, embedding: 1)
        network.file.tensors["lstm.weight_ih_l0"]?.elements = [3e38, 1, 1]
        network.file.tensors["emb.weight"]?.elements = [1, 2, 1, 1]
        let message = try message { _ = try network.model() }
        #expect(message.contains("the product of tensors 'lstm.weight_ih_l0' and 'emb.weight' is not finite"))
    }

    @Test("logits are read in the order of the symbols")
    func logits() throws {
        try withTemporaryFolder { folder in
            let network = Network()
            let paths = ["weights", "chars.json", "logits"].map { folder.path + "/" + $0 }
            try network.file.encoded().write(to: URL(fileURLWithPath: paths[0]))
            try Data(network.vocabulary.utf8).write(to: URL(fileURLWithPath: paths[1]))
            let imported = try ImportedNetwork(weights: paths[0], vocabulary: paths[1])
            func write(_ name: String, _ shape: [Int]) throws {
                var file = Safetensors()
                file.tensors[name] = .init(shape: shape, elements: (0..<shape.reduce(1, *)).map { Float($0) })
                try file.encoded().write(to: URL(fileURLWithPath: paths[2]))
            }
            try write("logits", [2, 4])
            #expect(try imported.logits(paths[2]) == [[2, 1, 3, 0], [6, 5, 7, 4]])
            try write("logits", [1, 2, 4])
            #expect(
                try message { _ = try imported.logits(paths[2]) }.contains(
                    "has the shape [1, 2, 4], and needs [characters, 4]"))
            try write("logit", [2, 4])
            #expect(try message { _ = try imported.logits(paths[2]) }.contains("it has no tensor 'logits'"))
        }
    }

    @Test("files of another kind are refused, with what to do")
    func otherFiles() throws {
        let network = Network()
        let refusal = try message { _ = try Self.model(Data("PK\u{3}\u{4}archive/data.pkl".utf8), network.vocabulary) }
        #expect(refusal.contains("it is not a safetensors file") && refusal.contains("safetensors.torch.save_file("))
        var checkpoint = network.file
        checkpoint.metadata["chargen"] = "{}"
        let advice = try message { _ = try Self.model(checkpoint.encoded(), network.vocabulary) }
        #expect(advice.contains("it is a checkpoint of chargen; export it with `trainer export --checkpoint`"))
    }

    // MARK: - Vocabularies

    @Test(
        "a vocabulary is an array of characters, an object with their indices, or a description with either",
        arguments: [
            #"["c", "a", "\n", "b"]"#, #"{"a": 1, "b": 3, "c": 0, "\n": 2}"#, #" {"\u0061":1,"b":3 ,"c" : 0,"\n":2 } "#,
            #"{"layers": 1, "vocabulary": ["c", "a", "\n", "b"], "x": {"a": [1, {"b": "}"}]}}"#,
            #"{"vocabulary": {"a": 1, "b": 3, "c": 0, "\n": 2}}"#,
        ])
    func vocabulary(json: String) throws {
        let symbols = try ForeignVocabulary(Data(json.utf8))
        #expect(symbols.vocabulary.characters == [0x0A, 0x61, 0x62, 0x63])
        #expect(symbols.indices == [2, 1, 3, 0])
        #expect(!symbols.vocabulary.hasUnknown && !symbols.vocabulary.hasEndOfDocument)
    }

    @Test("a description may have special symbols, in any place")
    func specialSymbols() throws {
        let json = #"{"vocabulary": {"b": 3, "a": 1}, "unknown": 2, "endOfDocument": 0, "keepsState": true}"#
        let symbols = try ForeignVocabulary(Data(json.utf8))
        #expect(
            symbols.vocabulary
                == Vocabulary(
                    characters: [0x61, 0x62], hasUnknown: true, hasEndOfDocument: true, carriesDocuments: true))
        #expect(symbols.indices == [1, 3, 2, 0])
    }

    @Test("characters that are canonically equivalent are two, and emoji are one")
    func scalars() throws {
        let equivalent = #"{"\u00c5": 0, ""# + "\u{212B}" + #"": 1, "\ud83d\ude00": 2, "\"": 3, "\\": 4}"#
        let symbols = try ForeignVocabulary(Data(equivalent.utf8))
        #expect(symbols.vocabulary.characters == [0x22, 0x5C, 0xC5, 0x212B, 0x1F600])
        #expect(symbols.indices == [3, 4, 0, 1, 2])
    }

    @Test(
        "a vocabulary with a fault is refused with what is wrong",
        arguments: [
            (#"["a", "b", "a"]"#, "it has 'a' (U+0061) twice"), (#"{"a": 0, "a": 1}"#, "it has 'a' (U+0061) twice"),
            (#"{"a": 0, "b": 0}"#, "'a' (U+0061) and 'b' (U+0062) have the same index, 0"),
            (#"{"a": 0, "b": 2}"#, "'b' (U+0062) has the index 2; those of 2 symbols go from 0 to 1 without a gap"),
            (#"{"a": 0, "\n": -1}"#, "U+000A has the index -1"),
            (
                #"{"vocabulary": ["a"], "endOfDocument": 0}"#,
                "'a' (U+0061) and the end of a document have the same index"
            ),
            (#"{"vocabulary": ["a"], "unknown": 7}"#, "the unknown symbol has the index 7"),
            (#"["a", "<eos>"]"#, "'<eos>' is 5 characters, and a symbol is one"), (#"["a", ""]"#, "'' is 0 characters"),
            (#"["e\u0301"]"#, "'e\u{301}' is 2 characters"),
            (#"{"a": 0, "b": 1.5}"#, "the value of 'b' is not an index"),
            (#"{"a": "b"}"#, "the value of 'a' is not an index"), ("[]", "it has no characters"),
            ("{}", "it has no characters"), (#"{"vocabulary": []}"#, "it has no characters"),
            (#"{"vocabulary": ["a"], "keepsState": 1}"#, "the value of 'keepsState' is neither true nor false"),
            ("[1]", "it is neither a JSON array of characters"), ("abc", "it is neither"), ("", "it is neither"),
            (#"["\ud800"]"#, "it is neither"), (#"{"a": 0"#, "it is neither"),
        ])
    func faultyVocabulary(json: String, message: String) throws {
        let refusal = try self.message { _ = try Self.model(Network().file.encoded(), json) }
        #expect(refusal.contains("chars.json': \(message)"), "\(refusal)")
    }
}
