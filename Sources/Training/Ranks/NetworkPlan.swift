import Core
import Foundation
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

    /// What the leading rank has sent.
    ///
    /// - Throws: `invalidArgument` if that is another version of chargen; `DecodingError`.
    init(_ data: Data) throws {
        // The rest may be another version's.
        struct Version: Decodable {
            let version: String
        }
        let version = try JSONDecoder().decode(Version.self, from: data).version
        guard version == chargenVersion else {
            throw ChargenError(
                .invalidArgument,
                "it is chargen \(chargenVersion), and rank 0 is chargen \(version): start the same program everywhere")
        }
        self = try JSONDecoder().decode(NetworkPlan.self, from: data)
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
