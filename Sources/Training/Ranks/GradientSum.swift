import CIntrinsics
import Core
import Kernels
import ThreadPool

/// The sum of the ranks' gradients. Each rank sums its shard of the parameters, from what it has
/// itself and what the others send it while they compute the next gradients.
final class GradientSum: ParallelWork {
    private let ranks: Ranks
    private let shards: Shards
    private let kernels: TrainingKernels
    private let slices: Int
    /// For each rank the ranges of slices whose gradients it has summed.
    private let nodes: [[Range<Int>]]
    /// This rank's sums, one for each of its ranges. The first takes the sum of all.
    let sums: [Parameters]
    /// What other ranks have sent: for each rank and each of its ranges, this rank's shard.
    private let received: [[AlignedBuffer<Float>]]

    /// - Parameters:
    ///   - slices: The slices of a minibatch, at least as many as ranks.
    ///   - gradients: What takes the sum.
    init(
        _ ranks: Ranks, _ shards: Shards, slices: Int, _ gradients: Parameters, _ kernels: TrainingKernels
    ) throws(ChargenError) {
        self.ranks = ranks
        self.shards = shards
        self.kernels = kernels
        self.slices = slices
        nodes = ranks.slices(of: slices).map { SliceTree.nodes(within: $0, of: 0..<slices) }
        var sums = [gradients]
        for _ in nodes[ranks.rank].dropFirst() { sums.append(try Parameters(gradients.layout)) }
        self.sums = sums
        let count = shards.ranges[ranks.rank].reduce(0) { $0 + $1.count }
        var received: [[AlignedBuffer<Float>]] = []
        for (rank, nodes) in nodes.enumerated() {
            var buffers: [AlignedBuffer<Float>] = []
            for _ in nodes where rank != ranks.rank {
                buffers.append(try AlignedBuffer(count: count, for: "the other ranks' gradients"))
            }
            received.append(buffers)
        }
        self.received = received
    }

    /// This rank's ranges of slices.
    var ownNodes: [Range<Int>] { nodes[ranks.rank] }

    /// Begins to exchange the gradients of a wave, of which this rank has its sums.
    func exchange(wave: Int) {
        let place = place(ofWave: wave)
        for (other, buffers) in received.enumerated() where other != ranks.rank {
            for buffer in buffers { ranks.receive(buffer.pointer.bytes(place), from: other) }
        }
        for other in 0..<ranks.size where other != ranks.rank {
            for sum in sums { ranks.send(sum.pointer.bytes(shards.ranges[other][wave]), to: other) }
        }
    }

    /// The place of a wave in this rank's shard.
    private func place(ofWave wave: Int) -> Range<Int> {
        let ranges = shards.ranges[ranks.rank]
        let first = ranges[..<wave].reduce(0) { $0 + $1.count }
        return first..<first + ranges[wave].count
    }

    /// Leaves the sum of all ranks' gradients in this rank's shard of the gradients.
    func complete(_ pool: ThreadPool) {
        ranks.complete()
        pool.perform(self, chunks: shards.waves.count * GradientSum.chunksPerWave)
    }

    private static let chunksPerWave = 16

    override func perform(chunk: Int, worker: Int) {
        let (wave, part) = chunk.quotientAndRemainder(dividingBy: GradientSum.chunksPerWave)
        let range = shards.ranges[ranks.rank][wave]
        let lines = range.count / laneCount
        func bound(_ part: Int) -> Int { part * lines / GradientSum.chunksPerWave * laneCount }
        let (start, count) = (bound(part), bound(part + 1) - bound(part))
        guard count > 0 else { return }
        let place = (range.lowerBound + start, place(ofWave: wave).lowerBound + start)
        let sum = sum(0..<slices, place, count)
        let target = sums[0].pointer + place.0
        if sum != target { target.update(from: sum, count: count) }
    }

    /// The sum over some slices, which takes the place of one of its terms.
    ///
    /// - Parameter place: The first number in this rank's sums, and in what it has received.
    private func sum(_ slices: Range<Int>, _ place: (own: Int, received: Int), _ count: Int)
        -> UnsafeMutablePointer<Float>
    {
        for (rank, nodes) in nodes.enumerated() {
            guard let index = nodes.firstIndex(of: slices) else { continue }
            return rank == ranks.rank
                ? sums[index].pointer + place.own : received[rank][index].pointer + place.received
        }
        let (first, second) = SliceTree.halves(slices)
        let (target, source) = (sum(first, place, count), sum(second, place, count))
        kernels.add(source, target, count)
        return target
    }
}
