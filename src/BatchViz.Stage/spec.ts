/** The experiment file, normalised; what does not apply is left out. */
export interface Spec {
  budget?: { epochs?: number; updates?: number; examples?: number; seconds?: number };
  schedule?: {
    kind?: string;
    factor?: number;
    everyEpochs?: number;
    epochs?: number;
    floor?: number;
    warmup?: { kind?: string; epochs?: number; factor?: number };
  };
  data?: { kind?: string };
  model?: { kind?: string; preset?: string; layers?: { kind: string }[]; towers?: number; hidden?: number[]; activation?: string };
  optimizer?: {
    kind?: string;
    momentum?: number;
    trust?: number;
    memory?: number;
    lineSearch?: string;
    trials?: number;
    beta1?: number;
    beta2?: number;
    rho?: number;
    epsilon?: number;
    weightDecay?: number;
  };
  learningRate?: number | Record<string, number>;
  learningRateRule?: string;
  loss?: string;
  referenceBatchSize?: number;
  sampler?: { hard?: { pool: number } };
  workers?: { count: number; mode?: string; staleness?: number };
  batchSchedule?: { factor?: number; everyEpochs?: number; maximum?: number };
}
