/** Mean and 95 % confidence interval over seeds, by Student's t: mean ± t(0.975, n − 1)·s/√n. Pure. */

/** 0.975 quantiles of t for 1 to 30 degrees of freedom. */
const T = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086,
  2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const Z = 1.959964;

/** Beyond the table by Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5), right to 10⁻⁴ there. */
export function quantile(degrees: number): number {
  if (degrees < 1) return NaN;
  return T[degrees - 1] ?? Z + (Z ** 3 + Z) / (4 * degrees) + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / (96 * degrees ** 2);
}

/** Sums of one moment's values, refilled for the next. */
export class Interval {
  count = 0;
  mean = 0;
  private squares = 0;

  clear(): void {
    this.count = this.mean = this.squares = 0;
  }

  /** Welford's update, which loses nothing where the values are large and alike. */
  add(value: number): void {
    this.count++;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.squares += before * (value - this.mean);
  }

  /** Half the interval's width; NaN of a single seed. */
  get half(): number {
    return quantile(this.count - 1) * Math.sqrt(this.squares / (this.count - 1) / this.count);
  }
}
