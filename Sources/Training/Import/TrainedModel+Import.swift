import Core
import Foundation
import ModelFormat

extension TrainedModel {
    /// A network that PyTorch has trained.
    ///
    /// - Parameters:
    ///   - weights: The path of a safetensors file, which ``TorchWeights`` reads.
    ///   - vocabulary: The path of a JSON file, which ``ForeignVocabulary`` reads.
    /// - Throws: ``TrainingError/cannotImport(path:_:)``.
    public init(importing weights: String, vocabulary: String) throws {
        let symbols = try TrainedModel.read(vocabulary) { try ForeignVocabulary($0) }
        self = try TrainedModel.read(weights) { data in
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
                shape: network.shape, vocabulary: symbols.vocabulary,
                provenance: try JSON.string(Provenance(chargen: chargenVersion, imported: source)),
                tensors: try network.tensors(indices: symbols.indices))
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
                reason = error.reason + "; PyTorch writes one with safetensors.torch.save_file(model.state_dict(), …)"
            case let error as ImportError: reason = error.reason
            default: throw error
            }
            throw TrainingError.cannotImport(path: path, reason)
        }
    }
}
