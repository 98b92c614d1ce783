import Core

/// The division of rows into tiles of at most `most`, as even as can be.
struct Tiling {
    let count: Int
    private let height: Int
    /// The number of tiles at the front that have a row more.
    private let higher: Int

    @inline(__always)
    init(rows: Int, most: Int) {
        count = divideRoundingUp(rows, by: most)
        // None for no rows.
        height = rows / max(count, 1)
        higher = rows % max(count, 1)
    }

    @inline(__always) func first(_ index: Int) -> Int { index * height + min(index, higher) }

    @inline(__always) func height(_ index: Int) -> Int { index < higher ? height + 1 : height }
}

/// Adds A · B to `rows` rows and a panel of 64, 32 or 16 columns of C.
@inline(__always)
func multiplyPanel<A: LeftFactor, Panel: Accumulators, L: CacheLevel>(
    _ panel: Panel.Type, _ product: PanelProduct<A>, rows: Int, columns: Int, _ prefetch: inout PrefetchCursor<L>
) {
    #if AVX512
        switch columns {
        case 64: multiplyTiles(FourPanels<Panel>.self, product, rows: rows, &prefetch)
        case 32: multiplyTiles(TwoPanels<Panel>.self, product, rows: rows, &prefetch)
        default: multiplyTiles(panel, product, rows: rows, &prefetch)
        }
    #else
        for column in stride(from: 0, to: columns, by: laneCount) {
            multiplyTiles(panel, product.panel(column), rows: rows, &prefetch)
        }
    #endif
}

/// Adds A · B to `rows` rows and the columns of `Row` of C.
@inline(__always)
func multiplyTiles<A: LeftFactor, Row: Accumulators, L: CacheLevel>(
    _ row: Row.Type, _ product: PanelProduct<A>, rows: Int, _ prefetch: inout PrefetchCursor<L>
) {
    let tiling = Tiling(rows: rows, most: Row.mostRows)
    for index in 0..<tiling.count {
        let tile = product.from(tiling.first(index))
        switch tiling.height(index) {
        case 6 where Row.mostRows >= 6: microKernel(SixRows<Row>.self, tile, prefetch)
        case 5 where Row.mostRows >= 5: microKernel(FiveRows<Row>.self, tile, prefetch)
        case 4 where Row.mostRows >= 4: microKernel(FourRows<Row>.self, tile, prefetch)
        case 3 where Row.mostRows >= 6: microKernel(ThreeRows<Row>.self, tile, prefetch)
        case 2 where Row.mostRows >= 6: microKernel(TwoRows<Row>.self, tile, prefetch)
        default:
            for i in 0..<tiling.height(index) { microKernel(OneRow<Row>.self, tile.from(i), prefetch) }
        }
        prefetch.place += prefetch.advance
    }
}
