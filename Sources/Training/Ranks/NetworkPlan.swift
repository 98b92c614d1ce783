import Core
import KernelDispatch
import ModelFormat

/// What decides the network of a training and its optimiser: the leading rank tells the others
/// before it begins.
struct NetworkPlan: Codable {
    var version = chargenVersion
    /// Without folders.
    var settings: Settings
    var symbolCount: Int
    var labelCount: Int
    var labelColumns: Int
    var resetSymbol: Int?

    init(_ settings: Settings, _ vocabulary: Vocabulary, _ labels: Labels?) {
        self.settings = settings.withoutFolders
        symbolCount = vocabulary.count
        labelCount = labels?.count ?? 0
        labelColumns = labels?.counts.count ?? 0
        resetSymbol = vocabulary.resetSymbol
    }

    /// The network and its optimiser.
    func make(threads: Int, _ ranks: Ranks?) throws -> (Network, Optimiser) {
        guard let backend = Backend.chosen() else {
            throw ChargenError(
                .unsupportedBackend, "\(Backend.environmentVariable) must be one of \(Backend.availableNames)")
        }
        let shape = ModelShape(
            cell: settings.cell, layers: settings.layers, hiddenSize: settings.hiddenSize,
            vocabularySize: symbolCount, labelCount: labelCount)
        let network = try Network(
            shape, threads: threads, backend: backend, precision: settings.precision ?? .f32, resetSymbol: resetSymbol,
            labelColumns: labelColumns, dropout: settings.dropoutRates, slices: settings.slices ?? 1, ranks: ranks)
        let optimiser = try Optimiser(
            network, settings.optimiser, beta2: settings.secondMomentDecay, weightDecay: settings.weightDecay,
            averaging: settings.averaging)
        return (network, optimiser)
    }
}
