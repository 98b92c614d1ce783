import Core
import ModelFormat

/// The part of all parameters that each rank sums the gradients of and updates.
///
/// The gradients become known in waves, from the last layer to the first, and each wave is divided
/// among the ranks, so that all have something to do with it at once.
struct Shards {
    /// Parameters whose gradients become known together.
    struct Wave {
        /// The layers that go backward first.
        let layers: Range<Int>
        /// Whether the output layer's gradients become known too.
        let hasOutput: Bool
        /// Whether those of labels' states do.
        let hasLabels: Bool
        /// The place of the parameters in the flat buffer.
        let range: Range<Int>
    }

    let waves: [Wave]
    /// For each rank the place of its part of each wave.
    let ranges: [[Range<Int>]]
    /// The places of all pieces, which are never divided.
    let places: [Range<Int>]
    /// For each rank the numbers of its pieces of each wave.
    let pieces: [[Range<Int>]]

    /// - Parameter ranks: The number of ranks. If it is 1, there is one wave.
    init(_ layout: ParameterLayout, ranks: Int) {
        waves = Shards.waves(layout, isDivided: ranks > 1)
        places = layout.pieces
        let starts = places.map(\.lowerBound) + [layout.count]
        /// The number of the first piece that begins at a place or later.
        func piece(_ place: Int) -> Int { starts.firstIndex { $0 >= place } ?? starts.count - 1 }
        let waves = waves
        pieces = (0..<ranks).map { rank in
            waves.map { wave in
                func bound(_ rank: Int) -> Int { piece(wave.range.lowerBound + wave.range.count * rank / ranks) }
                return bound(rank)..<bound(rank + 1)
            }
        }
        ranges = pieces.map { $0.map { starts[$0.lowerBound]..<starts[$0.upperBound] } }
    }

    private static func waves(_ layout: ParameterLayout, isDivided: Bool) -> [Wave] {
        let layers = layout.shape.layers
        let hasLabels = layout.shape.labelCount > 0
        guard isDivided else {
            return [Wave(layers: 0..<layers, hasOutput: true, hasLabels: hasLabels, range: 0..<layout.count)]
        }
        let starts =
            (0..<layers).map { layout.offsets[$0 * ModelShape.tensorsPerLayer] }
            + [hasLabels ? layout.offsets[layout.shape.labelHidden] : layout.count]
        let recurrent = (0..<layers).reversed().map { layer in
            let isLast = layer == layers - 1
            return Wave(
                layers: layer..<layer + 1, hasOutput: isLast, hasLabels: false, range: starts[layer]..<starts[layer + 1]
            )
        }
        let labels = Wave(layers: 0..<0, hasOutput: false, hasLabels: true, range: starts[layers]..<layout.count)
        return recurrent + (hasLabels ? [labels] : [])
    }
}

extension ParameterLayout {
    /// The flat buffer in pieces: a gate's block of each matrix between hidden units is one, and
    /// all else is cut into pieces of about 2^14 floats.
    var pieces: [Range<Int>] {
        (0..<shape.tensorCount).flatMap { index in
            let range = range(of: index)
            let size = shape.tensor(index).isRecurrentMatrix ? width * width : max(1 << 14, padded(range.count / 4096))
            return stride(from: range.lowerBound, to: range.upperBound, by: size).map {
                $0..<min($0 + size, range.upperBound)
            }
        }
    }
}
