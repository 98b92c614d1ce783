import Core
import Foundation
import ModelFormat

/// A trained model that another training starts from.
public struct InitialModel {
    /// The shape, whose vocabulary may be smaller than that of the training.
    public let shape: ModelShape
    /// The symbols.
    public let vocabulary: Vocabulary
    /// The labels of documents; nil for none.
    public let labels: Labels?
    private let tensors: [[Float]]

    /// Reads a training's folder, of which the best checkpoint is taken, a checkpoint, or a `.cgw`
    /// file with floats.
    ///
    /// - Throws: ``TrainingError`` or `ChargenError`.
    public init(path: String) throws {
        guard let bytes = try InitialModel.modelBytes(path), ModelFile.hasSignature(bytes.contents) else {
            let run = RunFolder(path: path)
            let isRun = FileManager.default.fileExists(atPath: run.lastCheckpointPath)
            let checkpoint = try Checkpoint(path: isRun ? run.exportedCheckpointPath() : path)
            shape = checkpoint.shape
            vocabulary = checkpoint.vocabulary
            labels = checkpoint.labels
            tensors = try checkpoint.finiteTensors()
            return
        }
        defer { withExtendedLifetime(bytes) {} }
        let file = try ModelFile(bytes.contents)
        let buffer = try TensorBuffer(for: file)
        tensors = try (0..<file.shape.tensorCount).map { index in
            guard [.float32, .bfloat16].contains(file.elementType(index)) else {
                throw ChargenError(
                    .invalidArgument,
                    "the model '\(path)' has integer weights, which are too coarse to train; export it in f32, "
                        + "or start from its training's folder")
            }
            try file.readTensor(index, into: buffer)
            return Array(buffer.floats.elements.prefix(file.shape.tensor(index).count))
        }
        (shape, vocabulary, labels) = (file.shape, file.vocabulary, file.labels)
    }

    /// The bytes of a model, or the first of another file; nil if it cannot be read, such as a
    /// folder.
    private static func modelBytes(_ path: String) throws(ChargenError) -> FileBytes? {
        do throws(ChargenError) {
            return try FileBytes(path: FileName.cString(path))
        } catch {
            guard error.kind == .fileAccess else { throw error }
            return nil
        }
    }

    /// The model's symbols and those of a corpus, the unknown symbol if either has it.
    func vocabulary(with other: Vocabulary) -> Vocabulary {
        let characters = Set(vocabulary.characters).union(other.characters).sorted()
        let hasEndOfDocument = vocabulary.hasEndOfDocument || other.hasEndOfDocument
        // Both are ascending and valid, and so is their union.
        return Vocabulary(
            characters: characters, hasUnknown: vocabulary.hasUnknown || other.hasUnknown,
            hasEndOfDocument: hasEndOfDocument) ?? other
    }

    /// Sets the parameters of a larger vocabulary to the model's. New symbols keep what they have,
    /// and labels that the model does not have, by the names of their columns and their own.
    func copy(to parameters: Parameters, _ larger: Vocabulary, _ labels: Labels?) {
        let shape = parameters.layout.shape
        // The model's symbol for each symbol of the larger vocabulary.
        let old = (0..<larger.count).map { symbol -> Int? in
            if let character = larger.character(of: symbol) { return vocabulary.symbol(of: character.value) }
            return symbol == larger.unknown ? vocabulary.unknown : vocabulary.endOfDocument
        }
        let rows = rows(of: labels)
        for index in 0..<shape.tensorCount {
            let tensor = shape.tensor(index)
            var elements = parameters.tensor(index)
            switch tensor.role {
            case .inputWeight where index == 0:
                for row in 0..<tensor.rows {
                    for (symbol, old) in old.enumerated() {
                        guard let old else { continue }
                        elements[row * tensor.columns + symbol] = tensors[index][row * vocabulary.count + old]
                    }
                }
            case .outputWeight, .outputBias:
                for (symbol, old) in old.enumerated() {
                    guard let old else { continue }
                    for column in 0..<tensor.columns {
                        elements[symbol * tensor.columns + column] = tensors[index][old * tensor.columns + column]
                    }
                }
            case .labelHidden, .labelCell:
                for (row, old) in rows {
                    let first = old * tensor.columns
                    elements.replaceSubrange(
                        row * tensor.columns..<(row + 1) * tensor.columns,
                        with: tensors[index][first..<first + tensor.columns])
                }
            default: elements = tensors[index]
            }
            parameters.setTensor(index, elements)
        }
    }

    /// The rows of labels' states that the model has, each with its own row: those of no label, and
    /// of each label of the same name in a column of the same name. None if either has no labels.
    private func rows(of others: Labels?) -> [(row: Int, old: Int)] {
        guard let labels, let others else { return [] }
        var rows = [(row: 0, old: 0)]
        for (column, own) in others.columns.enumerated() {
            guard let old = labels.columns.firstIndex(where: { $0.name == own.name }) else { continue }
            for (label, name) in own.labels.enumerated() {
                guard let oldLabel = labels.label(named: Array(name.utf8), in: old) else { continue }
                rows.append((others.row(of: label, in: column), labels.row(of: oldLabel, in: old)))
            }
        }
        return rows
    }
}
