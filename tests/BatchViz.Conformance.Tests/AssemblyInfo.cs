// Tensors are counted for the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
