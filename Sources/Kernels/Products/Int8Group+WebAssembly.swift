#if arch(wasm32)
    import CIntrinsics
    import Core

    /// A group of panels, one vector or several.
    func addGroup(
        _ group: UnsafeRawPointer, _ height: Int, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
        _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        for index in 0..<count {
            var row = 0
            while row < height {
                let panels = row + laneCount < height ? 2 : 1
                addPanels(panels, group + 4 * row, height, quads, inputs[index], y + row + index * stride)
                row += panels * laneCount
            }
        }
    }

    /// One or two panels of a group, one vector.
    @inline(__always)
    private func addPanels(
        _ panels: Int, _ start: UnsafeRawPointer, _ height: Int, _ quads: Int, _ input: UnsafeRawPointer,
        _ y: UnsafeMutablePointer<Float>
    ) {
        let weights = (start + 8 * height).assumingMemoryBound(to: Int8.self)
        let input = input.assumingMemoryBound(to: UInt8.self)
        var exact = (SIMD16<Int32>(repeating: 0), SIMD16<Int32>(repeating: 0))
        withUnsafeMutableBytes(of: &exact) { sums in
            // A constant, with which the loops unroll.
            if panels == 2 {
                ci_byte_products(2, start, weights, quad * height, input, quads, sums.baseAddress)
            } else {
                ci_byte_products(1, start, weights, quad * height, input, quads, sums.baseAddress)
            }
        }
        let scales = (start + 4 * height).assumingMemoryBound(to: Float.self)
        Vector(at: y).adding(ci_floats(exact.0), times: Vector(at: scales)).store(at: y)
        if panels == 1 { return }
        Vector(at: y + laneCount).adding(ci_floats(exact.1), times: Vector(at: scales + laneCount))
            .store(at: y + laneCount)
    }
#endif
