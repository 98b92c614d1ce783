import Foundation

extension Checkpoint {
    /// The corpus, the settings and the progress as JSON, with file names without their folders:
    /// the provenance of the exported model.
    public var provenance: String { description.provenance }
}

extension Checkpoint.Description {
    private struct Provenance: Encodable {
        let chargen: String
        let corpus: CorpusFacts
        /// The number of files and folders that the corpus was read from, of which the settings
        /// name the first.
        let inputs: Int
        let settings: Settings
        let updates: Int
        let epochs: Int
        let trainingLoss: Double?
        let validationLoss: Double?
    }

    /// A model's provenance, as the JSON object in its `.cgw` file.
    var provenance: String {
        var settings = settings
        let inputs = settings.corpus.paths.count + (settings.corpus.list == nil ? 0 : 1)
        settings.corpus = settings.corpus.abridged
        settings.validationTexts = settings.validationTexts.map(firstNames)
        settings.initialModel = settings.initialModel.map(lastComponent)
        let provenance = Provenance(
            chargen: version, corpus: corpus, inputs: inputs, settings: settings, updates: progress.updates,
            epochs: progress.epoch - 1, trainingLoss: progress.trainingLoss, validationLoss: progress.validationLoss)
        // Strings, finite numbers and optionals of them can always be encoded.
        return (try? JSON.string(provenance)) ?? "{}"
    }
}

extension CorpusSource {
    /// The first few names, without their folders, which may be private. The length of a model's
    /// provenance is limited.
    fileprivate var abridged: CorpusSource {
        var source = self
        source.paths = firstNames(paths)
        source.list = list.map(lastComponent)
        source.listFolder = nil
        source.include = include.map { Array($0.prefix(mostNames)) }
        return source
    }
}

/// The most names of a list in a provenance.
private let mostNames = 3

private func firstNames(_ paths: [String]) -> [String] { paths.prefix(mostNames).map(lastComponent) }

/// A path without its folders, as a message shows it.
func lastComponent(_ path: String) -> String { FileName.shown((path as NSString).lastPathComponent) }
