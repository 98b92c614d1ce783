import Foundation

extension Checkpoint.Description {
    private struct Provenance: Encodable {
        let chargen: String
        let corpus: CorpusFacts
        let settings: Settings
        let updates: Int
        let epochs: Int
        let trainingLoss: Double?
        let validationLoss: Double?
    }

    /// A model's provenance, as the JSON object in its `.cgw` file.
    var provenance: String {
        var settings = settings
        // File names without their folders, which may be private.
        settings.corpus.paths = settings.corpus.paths.map { ($0 as NSString).lastPathComponent }
        let provenance = Provenance(
            chargen: version, corpus: corpus, settings: settings, updates: progress.updates, epochs: progress.epoch - 1,
            trainingLoss: progress.trainingLoss, validationLoss: progress.validationLoss)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, finite numbers and optionals of them can always be encoded.
        return (try? encoder.encode(provenance)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
