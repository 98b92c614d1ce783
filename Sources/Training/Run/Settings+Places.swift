import Foundation

/// Where the texts of a training and the model that it starts from are. That decides nothing of
/// what is learned: `settings.json` says it, and a checkpoint has names alone.
extension Settings {
    /// The settings with names of files and folders in place of their paths.
    var withoutFolders: Settings {
        var settings = self
        settings.corpus.paths = corpus.paths.map(lastComponent)
        settings.corpus.list = corpus.list.map(lastComponent)
        settings.corpus.listFolder = nil
        settings.validationTexts = validationTexts?.map(lastComponent)
        settings.initialModel = initialModel.map(lastComponent)
        return settings
    }

    /// The settings with the places of other settings of the same training.
    func located(by other: Settings) -> Settings {
        var settings = self
        settings.corpus.paths = other.corpus.paths
        settings.corpus.list = other.corpus.list
        settings.corpus.listFolder = other.corpus.listFolder
        settings.validationTexts = other.validationTexts
        // Whether there is one decides the vocabulary.
        settings.initialModel = initialModel.map { other.initialModel ?? $0 }
        return settings
    }
}
