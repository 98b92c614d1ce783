import ModelFormat

/// The elements of every tensor of a `.cgw` file, in the file's order. Reads all of the file.
public func modelTensors(_ bytes: [UInt8]) throws -> [[Float]] {
    try bytes.withUnsafeBytes { bytes in
        let file = try ModelFile(bytes)
        return try (0..<file.shape.tensorCount).map { index in
            var elements = [Float](repeating: 0, count: file.shape.tensor(index).count)
            var scratch = [UInt8](repeating: 0, count: elements.count * MemoryLayout<Float>.size)
            try elements.withUnsafeMutableBufferPointer { elements in
                try scratch.withUnsafeMutableBytes { scratch in
                    try file.readTensor(index, into: elements, scratch: scratch)
                }
            }
            return elements
        }
    }
}
