import Core
import Foundation
import ModelFormat

/// A network that PyTorch has trained, as a model.
public struct ImportedNetwork {
    public let model: TrainedModel
    /// The network's index of each of the model's symbols.
    private let indices: [Int]

    /// Reads a network.
    ///
    /// - Parameters:
    ///   - weights: The path of a safetensors file, which ``TorchWeights`` reads.
    ///   - vocabulary: The path of a JSON file, which ``ForeignVocabulary`` reads.
    /// - Throws: ``TrainingError/cannotImport(path:_:)``.
    public init(weights: String, vocabulary: String) throws {
        let symbols = try ImportedNetwork.read(vocabulary) { try ForeignVocabulary($0) }
        indices = symbols.indices
        model = try ImportedNetwork.read(weights) { data in
            let file = try Safetensors(data)
            guard !Checkpoint.isCheckpoint(file) else {
                throw ImportError(
                    reason: "it is a checkpoint of chargen; export it with `trainer export --checkpoint`")
            }
            let network = try TorchWeights(file, symbolCount: symbols.indices.count)
            var hash = SHA256()
            data.withUnsafeBytes { hash.update($0) }
            let source = Provenance.Source(file: lastComponent(weights), sha256: hash.hexadecimalDigest())
            return TrainedModel(
                shape: network.shape, vocabulary: symbols.vocabulary, labels: nil,
                provenance: try JSON.string(Provenance(chargen: chargenVersion, imported: source)),
                tensors: try network.tensors(indices: symbols.indices))
        }
    }

    /// Logits that the network has computed, in the order of the model's symbols.
    ///
    /// - Parameter path: The path of a safetensors file with a tensor `logits`, [characters,
    ///   symbols], all finite: a row for what follows each character of a text.
    /// - Throws: ``TrainingError/cannotImport(path:_:)``.
    public func logits(_ path: String) throws -> [[Float]] {
        try ImportedNetwork.read(path) { data in
            guard let tensor = try Safetensors(data).tensors["logits"] else {
                throw ImportError(reason: "it has no tensor 'logits' of floats")
            }
            guard tensor.shape.count == 2, tensor.shape[0] > 0, tensor.shape[1] == indices.count else {
                throw ImportError(
                    reason: "tensor 'logits' has the shape \(tensor.shape), and needs [characters, \(indices.count)]")
            }
            guard tensor.elements.allSatisfy(\.isFinite) else {
                throw ImportError(reason: "tensor 'logits' has a value that is not finite")
            }
            return (0..<tensor.shape[0]).map { row in indices.map { tensor.elements[row * indices.count + $0] } }
        }
    }

    /// The provenance of an imported model.
    private struct Provenance: Encodable {
        struct Source: Encodable {
            let file: String
            let sha256: String
        }

        let chargen: String
        let imported: Source
    }

    /// What a file's bytes are.
    private static func read<Contents>(_ path: String, _ body: (Data) throws -> Contents) throws -> Contents {
        do {
            return try body(FileContents.read(path))
        } catch {
            let reason: String
            switch error {
            case let error as SystemError: reason = error.reason
            case let error as Safetensors.FormatError:
                reason = error.reason + "; PyTorch writes one with safetensors.torch.save_file(…)"
            case let error as ImportError: reason = error.reason
            default: throw error
            }
            throw TrainingError.cannotImport(path: path, reason)
        }
    }
}
