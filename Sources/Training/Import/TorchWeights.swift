import Core
import ModelFormat

/// The weights of a network of `torch.nn`: an `RNN`, `GRU` or `LSTM`, a `Linear` that gives the
/// logits, and perhaps an `Embedding`, whatever the modules are called.
struct TorchWeights {
    /// The sizes of the model with these weights.
    let shape: ModelShape
    private let file: Safetensors
    /// What the names of the recurrent module's tensors begin with, its name and a dot.
    private let recurrent: String
    private let linear: String
    /// nil if the recurrent module reads one-hot vectors.
    private let embedding: String?

    /// Finds the modules, and decides what they are by the shapes of their tensors.
    ///
    /// - Throws: ``ImportError``, with the name of a tensor that has no place in a model.
    init(_ file: Safetensors, symbolCount: Int) throws {
        self.file = file
        var recurrent: Set<String> = []
        var matrices: [String] = []
        var layers = 0
        for name in (Array(file.tensors.keys) + file.otherTypes.keys).sorted() {
            let leaf = name.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
            let module = String(name.dropLast(leaf.count))
            let isVector = file.tensors[module + "weight"]?.shape.count == 1
            if let reason = TorchWeights.unsupported(leaf, isVector: isVector) {
                throw ImportError(reason: "tensor '\(name)' is of a \(reason), which a model does not have")
            }
            if let type = file.otherTypes[name] {
                throw ImportError(reason: "tensor '\(name)' has the type \(type); F32, F64, F16 and BF16 are read")
            }
            if let match = leaf.wholeMatch(of: /(weight|bias)_(ih|hh)_l(0|[1-9][0-9]{0,8})/), let layer = Int(match.3) {
                recurrent.insert(module)
                layers = max(layers, layer + 1)
            } else if leaf == "weight", file.tensors[name]?.shape.count == 2 {
                matrices.append(module)
            } else if leaf != "bias" || file.tensors[module + "weight"]?.shape.count != 2 {
                throw ImportError(
                    reason: "tensor '\(name)' belongs to nothing that a model has: one RNN, GRU or LSTM, a Linear "
                        + "that gives the logits, and perhaps an Embedding")
            }
        }
        guard let first = recurrent.min() else {
            throw ImportError(reason: "it has no tensor 'weight_ih_l0', as RNN, GRU and LSTM of torch.nn have")
        }
        guard recurrent.count == 1 else {
            throw ImportError(
                reason: "it has more than one recurrent module: tensors "
                    + recurrent.sorted().map { "'\($0)weight_hh_l0'" }.joined(separator: ", ")
                    + "; a model has one, with any number of layers (num_layers)")
        }
        self.recurrent = first
        shape = try TorchWeights.shape(file, first, layers: layers, symbolCount: symbolCount)
        (linear, embedding) = try TorchWeights.linearAndEmbedding(file, matrices, recurrent: first, shape)
    }

    /// What a tensor is of that models do not have; nil for other names.
    ///
    /// - Parameter isVector: Whether its module has a weight, and that is a vector.
    private static func unsupported(_ leaf: Substring, isVector: Bool) -> String? {
        if leaf.hasSuffix("_reverse") { return "second direction (bidirectional=True)" }
        if leaf.hasPrefix("weight_hr_l") { return "projection (proj_size)" }
        return isVector || leaf.hasPrefix("running_") ? "normalisation" : nil
    }

    private static func shape(
        _ file: Safetensors, _ recurrent: String, layers: Int, symbolCount: Int
    ) throws -> ModelShape {
        let name = recurrent + "weight_hh_l0"
        guard let sizes = file.tensors[name]?.shape else { throw ImportError(reason: "tensor '\(name)' is missing") }
        guard sizes.count == 2, sizes[1] > 0, sizes[0] % sizes[1] == 0,
            let cell = Cell.allCases.first(where: { $0.gates.gateCount == sizes[0] / sizes[1] })
        else {
            throw ImportError(
                reason: "tensor '\(name)' has the shape \(sizes); that of an RNN, a GRU or an LSTM has 1, 3 or 4 times "
                    + "as many rows as columns")
        }
        let limit = ModelShape.maximum
        guard layers <= limit.layers, sizes[1] <= limit.hiddenSize, symbolCount <= limit.vocabularySize else {
            throw ImportError(
                reason: "it has \(counted(layers, "layer")) of \(counted(sizes[1], "unit")) and "
                    + "\(counted(symbolCount, "symbol")); a model has at most \(limit.layers) layers of "
                    + "\(counted(limit.hiddenSize, "unit")) and \(counted(limit.vocabularySize, "symbol"))")
        }
        return ModelShape(cell: cell, layers: layers, hiddenSize: sizes[1], vocabularySize: symbolCount)
    }

    /// Tells the modules with a matrix apart.
    private static func linearAndEmbedding(
        _ file: Safetensors, _ matrices: [String], recurrent: String, _ shape: ModelShape
    ) throws -> (linear: String, embedding: String?) {
        guard let only = matrices.first else {
            throw ImportError(reason: "it has no tensor 'weight' of a Linear that gives the logits")
        }
        guard matrices.count > 1 else { return (only, nil) }
        func sizes(_ name: String) -> [Int] { file.tensors[name]?.shape ?? [] }
        let inputs = sizes(recurrent + "weight_ih_l0").last ?? 0
        let fitting = [(matrices[0], matrices[1]), (matrices[1], matrices[0])].filter { linear, embedding in
            matrices.count == 2 && file.tensors[embedding + "bias"] == nil
                && sizes(linear + "weight") == [shape.vocabularySize, shape.hiddenSize]
                && sizes(embedding + "weight") == [shape.vocabularySize, inputs]
        }
        let list = matrices.map { "'\($0)weight' \(sizes($0 + "weight"))" }.joined(separator: ", ")
        guard !fitting.isEmpty else {
            throw ImportError(
                reason: "tensors \(list) are not those of an Embedding [\(shape.vocabularySize), \(inputs)] and of a "
                    + "Linear [\(shape.vocabularySize), \(shape.hiddenSize)] that gives the logits")
        }
        let named = fitting.filter { $1.lowercased().contains(/emb|encoder/) }
        guard fitting.count == 1 || named.count == 1, let found = fitting.count == 1 ? fitting.first : named.first
        else {
            throw ImportError(
                reason: "tensors \(list): either may be the Embedding; save one under a name that has 'embedding' in it"
            )
        }
        return found
    }

    // MARK: - Elements

    /// The elements of each tensor in ``ModelShape/tensor(_:)``'s order.
    ///
    /// - Parameter indices: The network's index of each of the model's symbols.
    /// - Throws: ``ImportError``, with the name of a tensor that is missing, has another shape, or
    ///   has a value that is not finite.
    func tensors(indices: [Int]) throws -> [[Float]] {
        let hasBiases = file.tensors.keys.contains { $0.hasPrefix(recurrent + "bias_") }
        return try (0..<shape.tensorCount).map { index in
            let tensor = shape.tensor(index)
            let leaf = tensor.name.drop { $0 != "." }.dropFirst()
            switch tensor.role {
            case .inputWeight where index == 0: return try inputWeights(recurrent + leaf, tensor, indices)
            case .inputWeight, .hiddenWeight: return try elements(recurrent + leaf, [tensor.rows, tensor.columns])
            case .inputBias, .hiddenBias:
                return hasBiases ? try elements(recurrent + leaf, [tensor.rows]) : zeros(tensor)
            case .outputWeight:
                let matrix = try elements(linear + leaf, [tensor.rows, tensor.columns])
                return indices.flatMap { matrix[$0 * tensor.columns..<($0 + 1) * tensor.columns] }
            case .outputBias:
                guard file.tensors[linear + leaf] != nil else { return zeros(tensor) }
                let bias = try elements(linear + leaf, [tensor.rows])
                return indices.map { bias[$0] }
            // A network of PyTorch has no labels.
            case .labelHidden, .labelCell: return zeros(tensor)
            }
        }
    }

    /// The first layer's matrix with a column for each symbol: the embedding's rows times the
    /// network's matrix, if there is one.
    private func inputWeights(_ name: String, _ tensor: TensorShape, _ indices: [Int]) throws -> [Float] {
        guard let embedding else {
            let matrix = try elements(name, [tensor.rows, tensor.columns])
            return (0..<tensor.rows).flatMap { row in indices.map { matrix[row * tensor.columns + $0] } }
        }
        let inputs = file.tensors[name]?.shape.last ?? 0
        let matrix = try elements(name, [tensor.rows, inputs])
        let vectors = try elements(embedding + "weight", [tensor.columns, inputs])
        let product: [Float] = (0..<tensor.rows).flatMap { row in
            indices.map { symbol in
                var sum = 0.0
                for input in 0..<inputs {
                    sum += Double(matrix[row * inputs + input]) * Double(vectors[symbol * inputs + input])
                }
                return Float(sum)
            }
        }
        guard product.allSatisfy(\.isFinite) else {
            throw ImportError(reason: "the product of tensors '\(name)' and '\(embedding)weight' is not finite")
        }
        return product
    }

    private func zeros(_ tensor: TensorShape) -> [Float] { [Float](repeating: 0, count: tensor.count) }

    private func elements(_ name: String, _ sizes: [Int]) throws -> [Float] {
        guard let tensor = file.tensors[name] else { throw ImportError(reason: "tensor '\(name)' is missing") }
        guard tensor.shape == sizes else {
            throw ImportError(
                reason: "tensor '\(name)' has the shape \(tensor.shape), and needs \(sizes) for "
                    + "\(counted(shape.vocabularySize, "symbol")) of the vocabulary and \(counted(shape.hiddenSize, "unit"))"
            )
        }
        guard tensor.elements.allSatisfy(\.isFinite) else {
            throw ImportError(reason: "tensor '\(name)' has a value that is not finite as a 32-bit float")
        }
        return tensor.elements
    }
}
