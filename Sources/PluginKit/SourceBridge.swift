internal import PluginABI

/// A source's functions, as C sees them.
let sourceFunctions = unsafe FunctionTable(
    loghost_source(
        size: UInt32(MemoryLayout<loghost_source>.size), reserved: 0,
        routes: { instance, count in
            guard let instance = unsafe instance, let count = unsafe count else { return nil }
            let declarations = unsafe Instance.of(instance).declarations
            unsafe count.pointee = declarations.routeCount
            return unsafe declarations.routes
        },
        resolve: { instance, operation, request, wake, done, context in
            guard let pointer = unsafe instance, let borrowed = unsafe request, let done = unsafe done else { return }
            let instance = unsafe Instance.of(pointer)
            let completion = unsafe ResolveCompletion(done: done, context: context, instance: instance)
            let request = unsafe Request(borrowed)
            if let source = instance.asyncSource {
                let wake = Wake(host: instance.host, id: wake)
                instance.operations.begin(operation) {
                    do {
                        completion(operation, .success(try await source.resolve(request, wake: wake)))
                    } catch {
                        completion(operation, .failure(error))
                    }
                }
            } else {
                completion(operation, Result { try instance.requireSource().resolve(request) })
            }
        },
        open: { instance, operation, topic, query, request, wake, done, context in
            guard let pointer = unsafe instance, let borrowed = unsafe query, let lent = unsafe request, let done = unsafe done
            else { return }
            let instance = unsafe Instance.of(pointer)
            let completion = unsafe OpenCompletion(done: done, context: context, instance: instance)
            let wake = Wake(host: instance.host, id: wake)
            let topic = unsafe topic.array
            let request = unsafe Request(lent)
            do {
                let query = try unsafe Query(borrowed)
                if let source = instance.asyncSource {
                    instance.operations.begin(operation) {
                        do {
                            completion(
                                operation, try await source.open(topic: topic, query: query, request: request, wake: wake))
                        } catch {
                            completion(operation, error)
                        }
                    }
                } else {
                    completion(
                        operation, try instance.requireSource().open(topic: topic, query: query, request: request, wake: wake))
                }
            } catch {
                completion(operation, error)
            }
        },
        cancel: { instance, operation in
            guard let instance = unsafe instance else { return }
            unsafe Instance.of(instance).operations.cancel(operation)
        },
        read: { reader, limits, result, error in
            guard let reader = unsafe reader, let limits = unsafe limits, let result = unsafe result else {
                return Int32(LOGHOST_READ_ERROR)
            }
            let box = unsafe Unmanaged<ReaderBox>.fromOpaque(UnsafeRawPointer(reader)).takeUnretainedValue()
            return unsafe box.read(limits.pointee, result, error)
        },
        close: { reader in
            guard let reader = unsafe reader else { return }
            let box = unsafe Unmanaged<ReaderBox>.fromOpaque(UnsafeRawPointer(reader))
            unsafe box.takeUnretainedValue().end()
            unsafe box.release()
        }))
