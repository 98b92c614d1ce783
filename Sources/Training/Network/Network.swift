import KernelDispatch
import ModelFormat

/// A recurrent network in training: its parameters, and their gradients over a minibatch.
///
/// The rows of a minibatch are split over threads, each of which goes forward and back through all layers on its own;
/// the gradients are then added in a fixed order. So results depend on the number of threads and, through OpenBLAS,
/// which sums in another order on another kind of processor, on the machine; and on nothing else.
final class Network {
    let layout: ParameterLayout
    let parameters: Parameters
    let trainingBackend: TrainingBackend
    private let shards: [Shard]

    /// - Parameter threads: The number of threads that a minibatch is split over, at least 1.
    init(_ shape: ModelShape, threads: Int, backend: Backend) throws(ModelError) {
        MatrixProduct.singleThreaded
        layout = ParameterLayout(shape)
        parameters = try Parameters(layout)
        trainingBackend = TrainingBackend.matching(backend)
        var shards: [Shard] = []
        for _ in 0..<threads { shards.append(try Shard(layout, backend: backend)) }
        self.shards = shards
    }

    var shape: ModelShape { layout.shape }

    /// The gradients of the last ``gradient(_:of:state:)``.
    var gradients: Parameters { shards[0].gradients }

    /// The mean cross-entropy of a minibatch, in nats a symbol.
    ///
    /// - Parameter state: Where every row starts from, replaced by where it ends; zeros if nil.
    func loss(_ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?) throws(ModelError) -> Double {
        try run(minibatch, corpus, state, backward: false)
    }

    /// The mean cross-entropy of a minibatch, in nats a symbol; its gradients are left in ``gradients``.
    func gradient(_ minibatch: Minibatch, of corpus: Corpus, state: RecurrentState?) throws(ModelError) -> Double {
        let loss = try run(minibatch, corpus, state, backward: true)
        let used = shardRows(minibatch.starts.count).count
        inParallel { range in
            for shard in shards[..<used].dropFirst() {
                trainingBackend.add(
                    shard.gradients.pointer + range.lowerBound, gradients.pointer + range.lowerBound, range.count)
            }
        }
        return loss
    }

    /// The logits after every symbol of a minibatch's rows, [row][step][symbol].
    func logits(_ minibatch: Minibatch, of corpus: Corpus) throws(ModelError) -> [[[Float]]] {
        _ = try run(minibatch, corpus, nil, backward: false, keepsLogits: true)
        return zip(shards, shardRows(minibatch.starts.count)).flatMap { shard, rows in
            (0..<rows.count).map { row in
                (0..<minibatch.time).map { Array(shard.logits(row: row, step: $0)) }
            }
        }
    }

    /// The rows of each shard; fewer shards than threads when there are fewer rows.
    private func shardRows(_ count: Int) -> [Range<Int>] {
        let used = min(shards.count, count)
        return (0..<used).map { $0 * count / used..<($0 + 1) * count / used }
    }

    private func run(
        _ minibatch: Minibatch, _ corpus: Corpus, _ state: RecurrentState?, backward: Bool, keepsLogits: Bool = false
    ) throws(ModelError) -> Double {
        let rows = shardRows(minibatch.starts.count)
        for (shard, rows) in zip(shards, rows) {
            try shard.prepare(rows: rows.count, time: minibatch.time)
        }
        let count = minibatch.starts.count * minibatch.time
        var losses = [Double](repeating: 0, count: rows.count)
        losses.withUnsafeMutableBufferPointer { losses in
            concurrently(rows.count) { index in
                let shard = shards[index]
                let first = rows[index].lowerBound
                shard.gather(minibatch, from: corpus, first: first)
                shard.load(state, first: first)
                shard.forward(parameters)
                if let state { shard.store(in: state, first: first) }
                if keepsLogits { return }
                losses[index] = shard.loss(scale: 1 / Float(count))
                if backward { shard.backward(parameters) }
            }
        }
        return losses.reduce(0, +) / Double(count)
    }

    /// Calls `body` with consecutive parts of the parameters, each on a thread of its own.
    func inParallel(_ body: (Range<Int>) -> Void) {
        let lines = parameters.count / 16
        concurrently(shards.count) { index in
            body(index * lines / shards.count * 16..<(index + 1) * lines / shards.count * 16)
        }
    }
}
