import Core

/// MR, the most rows of a tile.
@inline(__always) var mostTileRows: Int { hasFusedMultiplyAdd ? 6 : 1 }

/// The division of rows into tiles of at most ``mostTileRows``, as even as can be.
struct Tiling {
    let count: Int
    private let height: Int
    /// The number of tiles at the front that have a row more.
    private let higher: Int

    @inline(__always)
    init(rows: Int) {
        count = divideRoundingUp(rows, by: mostTileRows)
        // None for no rows.
        height = rows / max(count, 1)
        higher = rows % max(count, 1)
    }

    @inline(__always) func first(_ index: Int) -> Int { index &* height &+ min(index, higher) }

    @inline(__always) func height(_ index: Int) -> Int { index < higher ? height &+ 1 : height }
}

/// Adds A · B to `rows` rows and a panel of 64, 32 or 16 columns of C.
@inline(__always)
func multiplyPanel<E: ElementProduct, A: LeftFactor>(
    _ element: E.Type, _ product: PanelProduct<A>, rows: Int, columns: Int, _ prefetch: inout PrefetchCursor
) {
    #if AVX512
        switch columns {
        case 64: multiplyTiles(element, SideBySide<SideBySide<Vector>>.self, product, rows: rows, &prefetch)
        case 32: multiplyTiles(element, SideBySide<Vector>.self, product, rows: rows, &prefetch)
        default: multiplyTiles(element, Vector.self, product, rows: rows, &prefetch)
        }
    #else
        for column in stride(from: 0, to: columns, by: laneCount) {
            multiplyTiles(element, Vector.self, product.panel(column), rows: rows, &prefetch)
        }
    #endif
}

/// Adds A · B to `rows` rows and the columns of `Row` of C.
@inline(__always)
func multiplyTiles<E: ElementProduct, A: LeftFactor, Row: RowVector>(
    _ element: E.Type, _ row: Row.Type, _ product: PanelProduct<A>, rows: Int, _ prefetch: inout PrefetchCursor
) {
    let tiling = Tiling(rows: rows)
    for index in 0..<tiling.count {
        let tile = product.from(tiling.first(index))
        switch tiling.height(index) {
        case 6 where mostTileRows >= 6: microKernel(element, SixRows<Row>.self, tile, prefetch)
        case 5 where mostTileRows >= 5: microKernel(element, FiveRows<Row>.self, tile, prefetch)
        case 4 where mostTileRows >= 4: microKernel(element, FourRows<Row>.self, tile, prefetch)
        case 3 where mostTileRows >= 6: microKernel(element, ThreeRows<Row>.self, tile, prefetch)
        case 2 where mostTileRows >= 6: microKernel(element, TwoRows<Row>.self, tile, prefetch)
        default:
            for i in 0..<tiling.height(index) { microKernel(element, OneRow<Row>.self, tile.from(i), prefetch) }
        }
        prefetch.place += prefetch.advance
    }
}
