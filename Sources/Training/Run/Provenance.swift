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

    /// Where a model comes from, as the JSON object that its `.cgw` file carries.
    var provenance: String {
        var settings = settings
        // Names tell a reader enough; folders are nobody's business.
        settings.corpus.paths = settings.corpus.paths.map { ($0 as NSString).lastPathComponent }
        let provenance = Provenance(
            chargen: version, corpus: corpus, settings: settings, updates: progress.updates, epochs: progress.epoch - 1,
            trainingLoss: progress.trainingLoss, validationLoss: progress.validationLoss)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and optionals of them always encode.
        return (try? encoder.encode(provenance)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
