import CIntrinsics
import Core
import Foundation
import ThreadPool

/// The limit of gradients.
public enum Clipping: Equatable, Sendable {
    /// All gradients are scaled down together, so that their Euclidean norm is at most this
    /// (Pascanu et al. 2013).
    case norm(Float)
    /// Every gradient is limited to ± this.
    case element(Float)
    case none
}

/// Updates a network's parameters from its gradients: with Adam (Kingma and Ba 2015) with β1 = 0.9
/// and ε = 1e-8, or with Muon for the recurrent and inter-layer matrices and Adam for all else.
/// Weights decay as in AdamW (Loshchilov and Hutter 2019), biases do not.
///
/// Each of several ranks updates its shard of the parameters, and sends it to the others.
final class Optimiser: ParallelWork {
    /// The running means of the gradients, and of their squares where Adam updates.
    let firstMoments: Parameters
    let secondMoments: Parameters
    /// The running mean of the parameters; nil without averaging.
    let averages: Parameters?
    /// The number of updates so far.
    var updates = 0

    private static let beta1 = 0.9
    private static let epsilon: Float = 1e-8
    private let beta2: Double
    private let weightDecay: Double
    private let averaging: Double

    private let network: Network
    private let muon: Muon?
    /// The tensors that Adam updates.
    private let adamTensors: [Int]
    /// The parameters that this rank updates.
    private let ranges: [Range<Int>]
    /// With slices, the sum of the squares of each piece of the gradients.
    private let squares: AlignedBuffer<Double>
    /// What the workers do next.
    private var step: Step?

    /// What an update does to every parameter.
    struct Step {
        /// The gradients are multiplied by `scale`, then limited to ± `limit`.
        let scale: Float
        let limit: Float
        let learningRate: Double
        /// 1 − β1^t and 1 / √(1 − β2^t).
        let firstCorrection: Double
        let secondCorrection: Float
        /// What weights are multiplied by first.
        let keep: Float
        /// The weight of the new parameters in the running means.
        let averageWeight: Float
    }

    /// - Parameters:
    ///   - network: Whose parameters are updated.
    ///   - rule: See ``Settings/optimiser``.
    ///   - beta2: See ``Settings/secondMomentDecay``.
    ///   - weightDecay: See ``Settings/weightDecay``.
    ///   - averaging: See ``Settings/averaging``.
    init(
        _ network: Network, _ rule: Settings.UpdateRule = .adam, beta2: Double = 0.999, weightDecay: Double = 0,
        averaging: Double = 0
    ) throws(ChargenError) {
        self.network = network
        self.beta2 = beta2
        self.weightDecay = weightDecay
        self.averaging = averaging
        averages = averaging > 0 ? try Parameters(network.layout) : nil
        firstMoments = try Parameters(network.layout)
        secondMoments = try Parameters(network.layout)
        let rank = network.ranks?.rank ?? 0
        ranges = network.shards.ranges[rank]
        muon = rule == .muon ? try Muon(network, within: ranges) : nil
        squares = try AlignedBuffer(count: network.shards.places.count, for: "the optimiser")
        adamTensors = (0..<network.shape.tensorCount).filter {
            rule == .adam || !Muon.updates(network.shape.tensor($0))
        }
    }

    /// Forgets all gradients so far.
    func reset() {
        updates = 0
        for parameters in [firstMoments, secondMoments, averages] { parameters?.clear() }
    }

    /// Updates the parameters from the gradients, which are clipped first.
    func update(learningRate: Double, clipping: Clipping) {
        if let ranks = network.ranks, ranks.leads { ranks.lead(.update(learningRate: learningRate)) }
        updates += 1
        var scale: Float = 1
        var limit = Float.infinity
        switch clipping {
        case .norm(let largest):
            let norm = sumOfSquares.squareRoot()
            // 1e-6 as in PyTorch's clip_grad_norm_.
            scale = min(1, largest / Float(norm + 1e-6))
        case .element(let largest): limit = largest
        case .none: break
        }
        step = Step(
            scale: scale, limit: limit, learningRate: learningRate,
            firstCorrection: 1 - pow(Optimiser.beta1, Double(updates)),
            secondCorrection: Float(1 / (1 - pow(beta2, Double(updates))).squareRoot()),
            keep: Float(1 - learningRate * weightDecay),
            // At first the mean of all so far, so that it does not depend on where it starts from.
            averageWeight: Float(max(1 - averaging, 1 / Double(updates))))
        network.pool.perform(self, chunks: muonChunks + adamChunks)
        step = nil
        guard let ranks = network.ranks else { return }
        for updated in [network.parameters, averages].compactMap(\.self) {
            ranks.gather(updated.pointer, network.shards.ranges, toAll: true)
        }
    }

    /// The sum of the squares of all gradients. Without slices it is one chain; otherwise, piece by
    /// piece, each rank computes it for its own.
    private var sumOfSquares: Double {
        let gradients = network.gradients.pointer
        guard network.slices > 1 else { return network.kernels.sumOfSquares(gradients, network.gradients.count) }
        for own in network.shards.pieces[network.ranks?.rank ?? 0] {
            for piece in own {
                let place = network.shards.places[piece]
                squares.pointer[piece] = network.kernels.sumOfSquares(gradients + place.lowerBound, place.count)
            }
        }
        network.ranks?.gather(squares.pointer, network.shards.pieces, toAll: true)
        return squares.elements.reduce(0, +)
    }

    /// Exchanges the parameters and their running means, if there are any. To do it again restores
    /// both.
    func swapAverages() {
        guard let averages else { return }
        if let ranks = network.ranks, ranks.leads { ranks.lead(.swapAverages) }
        network.parameters.swap(averages)
    }

    /// Has all ranks start from the leading one's parameters, moments and running means.
    func share() {
        guard let ranks = network.ranks else { return }
        for shared in [network.parameters, firstMoments, secondMoments, averages].compactMap(\.self) {
            ranks.broadcast(shared.pointer.bytes(0..<shared.count))
        }
    }

    /// Collects the moments on the leading rank, from which the others have only their shards.
    func gather() {
        guard let ranks = network.ranks else { return }
        for moments in [firstMoments, secondMoments] { ranks.gather(moments.pointer, network.shards.ranges) }
    }

    /// A chunk for each block; these come first, because they are larger.
    private var muonChunks: Int { muon?.blocks.count ?? 0 }
    /// Several chunks of each range per worker, so that a fast worker takes more of them.
    private var adamChunks: Int { 4 * network.pool.size * ranges.count }

    override func perform(chunk: Int, worker: Int) {
        guard let step else { return }
        if let muon, chunk < muonChunks {
            muon.update(block: chunk, step, moments: firstMoments, averages: averages, worker: worker)
        } else {
            updateWithAdam(chunk: chunk - muonChunks, step)
        }
    }

    private func updateWithAdam(chunk: Int, _ step: Step) {
        let parts = adamChunks / ranges.count
        let (range, part) = (ranges[chunk / parts], chunk % parts)
        let lines = range.count / laneCount
        let start = range.lowerBound + part * lines / parts * laneCount
        let end = range.lowerBound + (part + 1) * lines / parts * laneCount
        for index in adamTensors {
            let tensor = network.layout.range(of: index).clamped(to: start..<end)
            guard !tensor.isEmpty else { continue }
            let first = tensor.lowerBound
            var update = AdamStep(
                parameters: network.parameters.pointer + first, gradients: network.gradients.pointer + first,
                firstMoments: firstMoments.pointer + first, secondMoments: secondMoments.pointer + first,
                averages: averages.map { $0.pointer + first }, count: tensor.count, scale: step.scale,
                limit: step.limit, decay1: Float(1 - Optimiser.beta1), decay2: Float(1 - beta2),
                stepSize: Float(step.learningRate / step.firstCorrection),
                secondCorrection: step.secondCorrection, epsilon: Optimiser.epsilon,
                keep: network.shape.tensor(index).isBias ? 1 : step.keep, averageWeight: step.averageWeight)
            network.kernels.updateAdam(&update)
        }
    }
}
