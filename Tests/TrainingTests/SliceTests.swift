import Core
import ModelFormat
import Testing

@testable import Training

@Suite("Slices of a minibatch")
struct SliceTests {
    @Test("the ranges that ranks sum are those of the tree, each once and in order", arguments: [1, 2, 3, 7, 16, 31])
    func nodes(slices: Int) {
        /// All ranges of the tree.
        func tree(_ node: Range<Int>) -> Set<Range<Int>> {
            guard node.count > 1 else { return [node] }
            let (first, second) = SliceTree.halves(node)
            return tree(first).union(tree(second)).union([node])
        }
        let all = tree(0..<slices)
        for ranks in 1...slices {
            let nodes = (0..<ranks).flatMap { rank in
                SliceTree.nodes(within: RowPlaces.rows(ofSlice: rank, of: ranks, rows: slices), of: 0..<slices)
            }
            #expect(nodes.flatMap(Array.init) == Array(0..<slices))
            #expect(nodes.allSatisfy(all.contains))
        }
    }

    @Test("a sum is that of the halves, down to single slices")
    func sum() {
        // Each addition rounds, so that another order gives another sum.
        let values = [1, 0x1p-53, 0x1p-53, 1, 0x1p-52]
        #expect(SliceTree.sum(values, 0..<5) == (values[0] + values[1]) + (values[2] + (values[3] + values[4])))
        #expect(SliceTree.sum(values, 0..<5) != values.reduce(0, +))
    }

    @Test("every row of a minibatch stands in one slice on one rank", arguments: [1, 2, 5, 16], [1, 3, 11, 16, 50])
    func rows(slices: Int, count: Int) {
        for ranks in 1...slices {
            let found = (0..<ranks).flatMap { rank in
                let places = RowPlaces(
                    slices: RowPlaces.rows(ofSlice: rank, of: ranks, rows: slices), totalSlices: slices,
                    sliceRows: (count + slices - 1) / slices, time: 4)
                return (0..<places.rows).compactMap { places.minibatchRow($0, of: count) }
            }
            #expect(found == Array(0..<count))
        }
    }

    @Test("every row has a place of its own at each step, and one after the last", arguments: [1, 3])
    func places(slices: Int) {
        let places = RowPlaces(slices: 4..<4 + slices, totalSlices: 8, sliceRows: 5, time: 6)
        let all = (0...6).flatMap { step in (0..<places.rows).map { places.place(step, $0) } }
        #expect(all.sorted() == Array(0..<places.count))
        // The rows of a slice without the places after the last step are without a gap.
        for slice in 0..<slices {
            let own = (0..<6).flatMap { step in (0..<5).map { places.place(step, slice * 5 + $0) } }
            #expect(own == Array(places.places(ofSlice: slice)))
        }
    }

    @Test("a worker has whole slices, or rows of one", arguments: [1, 2, 3, 5, 16], [1, 2, 3, 7])
    func division(slices: Int, workers: Int) throws {
        let division = try RowDivision(chunks: workers)
        for _ in 0..<20 {
            division.divide(rows: slices * 4, slices: slices)
            #expect((0..<workers).flatMap { Array(division[$0]) } == Array(0..<slices * 4))
            for chunk in 0..<workers where !division[chunk].isEmpty {
                let rows = division[chunk]
                let isWhole = rows.lowerBound.isMultiple(of: 4) && rows.upperBound.isMultiple(of: 4)
                #expect(isWhole || rows.lowerBound / 4 == (rows.upperBound - 1) / 4)
                division.note(chunk, took: .milliseconds(1 + chunk * rows.count))
            }
        }
    }

    @Test("shards are pieces of each wave, and together all parameters", arguments: [1, 2, 3, 4], [0, 3])
    func shards(ranks: Int, labels: Int) {
        let layout = ParameterLayout(
            ModelShape(cell: .gru, layers: 3, hiddenSize: 40, vocabularySize: 90, labelCount: labels))
        let shards = Shards(layout, ranks: ranks)
        #expect(shards.ranges.flatMap { $0.flatMap(Array.init) }.sorted() == Array(0..<layout.count))
        for rank in 0..<ranks {
            for (wave, range) in zip(shards.waves, shards.ranges[rank]) {
                #expect(range.isEmpty || wave.range.contains(range))
            }
            let floats = shards.pieces[rank].map { $0.reduce(0) { $0 + shards.places[$1].count } }
            #expect(floats == shards.ranges[rank].map(\.count))
        }
    }
}
